//! A service that is not there: whoever may list the services of the cluster is told which one may have been meant.

use serde_json::{Value, json};

use super::Error;
use super::ecs::{Ecs, Operation};
use super::observe::no_cluster;
use super::request::name_in_arn;
use crate::nearest::nearest;

/// The ARNs of the cluster's services.
pub async fn services(cluster: &str, ecs: &dyn Ecs) -> Result<Vec<String>, Error> {
    let mut body = json!({"cluster": cluster, "maxResults": 100});
    let mut arns = Vec::new();
    loop {
        let page = ecs.call(Operation::ListServices, body.clone()).await;
        let mut page = page.map_err(|why| no_cluster(cluster, why))?.body;
        let found = page["serviceArns"].as_array().into_iter().flatten();
        arns.extend(found.filter_map(Value::as_str).map(str::to_owned));
        match page["nextToken"].take() {
            Value::Null => return Ok(arns),
            token => body["nextToken"] = token,
        }
    }
}

pub async fn absent(cluster: &str, service: &str, ecs: &dyn Ecs) -> Error {
    let known = services(cluster, ecs).await.unwrap_or_default();
    let (cluster, service) = (name_in_arn(cluster), name_in_arn(service));
    let meant = nearest(service, known.iter().map(|arn| name_in_arn(arn)));
    let meant = meant.map(|name| format!("Did you mean '{name}'? ")).unwrap_or_default();
    let hint = format!("{meant}`dockless status --cluster {cluster}` shows all of its services.");
    Error::input("service-name", format!("there is no service '{service}' in cluster '{cluster}'"), hint)
}
