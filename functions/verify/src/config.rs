//! The gateway's configuration, read once per isolate.

use authflow_shared::config::{Common, Fault, Reader, Variables};

use crate::routes::{self, RouteTable};

/// Everything the gateway is configured with.
#[derive(Debug)]
pub struct Config {
    /// What both workers need.
    pub common: Common,
    /// `ROUTES`.
    pub routes: RouteTable,
    /// `PUBLIC_HOSTS`: hosts with port under which people reach the gateway; empty for any.
    pub public_hosts: Vec<String>,
}

impl Config {
    /// Reads the worker's variables.
    ///
    /// # Errors
    /// Every fault at once.
    pub fn read(variables: &Variables) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader::new(variables);
        let common = Common::read(&mut reader);
        let routes = reader
            .required("ROUTES")
            .map(routes::parse)
            .and_then(|routes| match routes {
                Ok(routes) => Some(routes),
                Err(faults) => {
                    for fault in faults {
                        reader.fault("ROUTES", fault);
                    }
                    None
                }
            });
        let public_hosts = reader
            .list("PUBLIC_HOSTS")
            .into_iter()
            .map(str::to_ascii_lowercase)
            .collect();
        let config = common.zip(routes).map(|(common, routes)| Self {
            common,
            routes,
            public_hosts,
        });
        reader.finish(config)
    }
}

#[cfg(test)]
mod tests {
    use authflow_shared::config::variables;

    use super::*;

    #[test]
    fn faults_of_routes_and_of_variables_come_together() {
        let mut variables = variables();
        variables.insert("ROUTES".into(), "[]".into());
        variables.insert("SESSION_SECRET".into(), String::new());
        let faults = Config::read(&variables).unwrap_err();
        let names: Vec<_> = faults.iter().map(|fault| fault.name).collect();
        assert_eq!(names, ["SESSION_SECRET", "ROUTES"]);
    }

    #[test]
    fn public_hosts_are_compared_without_case() {
        let mut variables = variables();
        variables.insert("PUBLIC_HOSTS".into(), "App.Test, b.test:8443".into());
        assert_eq!(
            Config::read(&variables).unwrap().public_hosts,
            ["app.test", "b.test:8443"]
        );
    }
}
