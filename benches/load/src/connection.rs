//! One connection that stays open.

use std::rc::Rc;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Request,
    client::conn::http1::{SendRequest, handshake},
};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::{check::fault, job::Job};

/// An open connection to the address of a job.
pub(crate) struct Connection {
    job: Rc<Job>,
    sender: Option<SendRequest<Full<Bytes>>>,
}

impl Connection {
    /// Opens one.
    pub(crate) async fn open(job: Rc<Job>) -> Result<Self, String> {
        let mut connection = Self { job, sender: None };
        connection.reopen().await?;
        Ok(connection)
    }

    /// Sends one request with the cookie `number` and reads the whole answer. Says what is wrong
    /// with it, if anything is.
    pub(crate) async fn send(&mut self, number: u64) -> Result<(), String> {
        let mut request = match self.job.body {
            Some(_) => Request::post(&self.job.target),
            None => Request::get(&self.job.target),
        };
        for (name, value) in &self.job.headers {
            request = request.header(name, value);
        }
        if let Some(cookie) = self.job.cookie(number) {
            request = request.header("cookie", cookie);
        }
        let request = request
            .body(Full::from(self.job.body.clone().unwrap_or_default()))
            .map_err(|error| error.to_string())?;
        let sender = self.sender().await?;
        let answer = sender
            .send_request(request)
            .await
            .map_err(|error| error.to_string())?;
        let status = answer.status().as_u16();
        let body = answer
            .into_body()
            .collect()
            .await
            .map_err(|error| error.to_string())?;
        fault(&self.job.expect, status, &body.to_bytes()).map_or(Ok(()), Err)
    }

    /// The sender once it is free; a new one where the other side has closed the connection.
    async fn sender(&mut self) -> Result<&mut SendRequest<Full<Bytes>>, String> {
        let is_open = match &mut self.sender {
            Some(sender) => sender.ready().await.is_ok(),
            None => false,
        };
        if !is_open {
            self.reopen().await?;
        }
        self.sender.as_mut().ok_or_else(|| "no connection".into())
    }

    async fn reopen(&mut self) -> Result<(), String> {
        let failed = |error: &dyn std::fmt::Display| format!("cannot connect: {error}");
        let stream = TcpStream::connect(self.job.address)
            .await
            .map_err(|error| failed(&error))?;
        stream.set_nodelay(true).map_err(|error| failed(&error))?;
        let (sender, driver) = handshake(TokioIo::new(stream))
            .await
            .map_err(|error| failed(&error))?;
        // How it ends shows in the request that it was carrying.
        tokio::task::spawn_local(async move {
            let _ = driver.await;
        });
        self.sender = Some(sender);
        Ok(())
    }
}
