//! When each request of a job is sent.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::Duration,
};

use tokio::{
    task::{JoinSet, LocalSet},
    time::{Instant, sleep_until},
};

use crate::{
    connection::Connection,
    job::{Job, Shape},
    report::Report,
};

/// The numbers of requests not yet sent, for whichever connection is free next.
struct Queue {
    next: Cell<u64>,
    end: u64,
}

impl Queue {
    fn new(numbers: core::ops::Range<u64>) -> Rc<Self> {
        Rc::new(Self {
            next: Cell::new(numbers.start),
            end: numbers.end,
        })
    }

    fn take(&self) -> Option<u64> {
        let number = self.next.get();
        (number < self.end).then(|| {
            self.next.set(number + 1);
            number
        })
    }
}

/// Opens the connections, then does the job.
pub(crate) async fn carry_out(job: Job) -> Result<Report, String> {
    LocalSet::new()
        .run_until(async {
            let job = Rc::new(job);
            let mut connections = Vec::new();
            for _ in 0..job.connections {
                connections.push(Connection::open(job.clone()).await?);
            }
            match job.shape {
                Shape::Closed { requests } => all(connections, requests, None).await,
                Shape::Open { rate, seconds } => {
                    let count = Duration::from_secs_f64(seconds * rate).as_secs();
                    let apart = Duration::from_secs_f64(1.0 / rate);
                    all(connections, count, Some(apart)).await
                }
                Shape::Pages { pages, requests } => by_pages(connections, pages, requests).await,
            }
        })
        .await
}

/// `count` requests. With `apart`, each has its moment. Where no connection was free by then, its
/// time counts from that moment all the same: a server that is late with one request cannot make
/// the next look quick. (Where one was, from when it woke: timers are a millisecond coarse.)
async fn all(
    connections: Vec<Connection>,
    count: u64,
    apart: Option<Duration>,
) -> Result<Report, String> {
    let queue = Queue::new(0..count);
    let report = Rc::new(RefCell::new(Report::default()));
    let started = Instant::now();
    let mut senders = JoinSet::new();
    for mut connection in connections {
        let (queue, report) = (queue.clone(), report.clone());
        senders.spawn_local(async move {
            while let Some(number) = queue.take() {
                let mut due = Instant::now();
                if let Some(apart) = apart {
                    let moment = started + apart.mul_f64(as_float(number));
                    sleep_until(moment).await;
                    due = if moment < due { moment } else { Instant::now() };
                }
                let outcome = connection.send(number).await;
                report.borrow_mut().add(due.elapsed(), outcome);
            }
        });
    }
    ended(senders).await?;
    let mut report = report.take();
    report.took = started.elapsed();
    Ok(report)
}

/// Pages of `requests` each. What is told of is pages, not requests.
async fn by_pages(
    mut connections: Vec<Connection>,
    pages: u64,
    requests: u64,
) -> Result<Report, String> {
    let mut report = Report::default();
    let started = Instant::now();
    for page in 0..pages {
        let begun = Instant::now();
        let Some(first) = connections.first_mut() else {
            break;
        };
        let mut outcome = first.send(page).await;
        let queue = Queue::new(1..requests);
        let mut senders = JoinSet::new();
        for mut connection in connections.drain(..) {
            let queue = queue.clone();
            senders.spawn_local(async move {
                let mut outcome = Ok(());
                while queue.take().is_some() {
                    outcome = outcome.and(connection.send(page).await);
                }
                (connection, outcome)
            });
        }
        while let Some(ended) = senders.join_next().await {
            let (connection, rest) = ended.map_err(|error| error.to_string())?;
            connections.push(connection);
            outcome = outcome.and(rest);
        }
        report.add(begun.elapsed(), outcome);
    }
    report.took = started.elapsed();
    Ok(report)
}

async fn ended(mut senders: JoinSet<()>) -> Result<(), String> {
    while let Some(ended) = senders.join_next().await {
        ended.map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// Exact for all numbers that a job can have.
fn as_float(number: u64) -> f64 {
    u32::try_from(number).map_or(f64::INFINITY, f64::from)
}
