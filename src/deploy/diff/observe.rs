//! The reads of a diff: what the service runs, and the definitions on both sides.

use serde_json::Value;

use super::{Base, Diff, Live, Wanted};
use crate::deploy::Error;
use crate::deploy::absent::absent;
use crate::deploy::ecs::Ecs;
use crate::deploy::observe::{describe_definition, find_service};
use crate::deploy::request::Family;

/// Both sides, as DescribeTaskDefinition shows them.
pub struct Sides {
    pub live: Value,
    /// Where edits start from, if that is another revision than the live one.
    pub base: Option<Value>,
}

pub async fn observe_diff(request: &Diff, ecs: &dyn Ecs) -> Result<Sides, Error> {
    let live = live(request, ecs).await?;
    let base = match &request.wanted {
        Wanted::Document(_) => None,
        Wanted::Edited { family: Base::Family(family), .. } => Some(family.clone()),
        Wanted::Edited { family: Base::Live { revision }, .. } => {
            Some(Family { revision: *revision, ..latest(&live.name) })
        }
    };
    let base = base.filter(|base| *base != live);
    let (live, base) = futures_util::join!(describe_definition(&live, ecs), async {
        match &base {
            Some(base) => describe_definition(base, ecs).await.map(Some),
            None => Ok(None),
        }
    });
    Ok(Sides { live: live?, base: base? })
}

async fn live(request: &Diff, ecs: &dyn Ecs) -> Result<Family, Error> {
    match (&request.live, &request.wanted) {
        (Live::Service { cluster, service }, _) => running(cluster, service, ecs).await,
        (Live::Latest, Wanted::Document(document)) => Ok(latest(document.family())),
        (Live::Latest, Wanted::Edited { family: Base::Family(family), .. }) => Ok(latest(&family.name)),
        (Live::Latest, Wanted::Edited { .. }) => {
            let hint = "Give --service-name and --cluster, --family, or --task-definition-json.";
            Err(Error::input("family", "nothing says what to compare with", hint))
        }
    }
}

fn latest(family: &str) -> Family {
    Family { name: family.to_owned(), revision: None }
}

/// The revision that leads, whoever deploys the service.
async fn running(cluster: &str, service: &str, ecs: &dyn Ecs) -> Result<Family, Error> {
    let Ok(raw) = find_service(cluster, service, ecs).await? else {
        return Err(absent(cluster, service, ecs).await);
    };
    if raw["status"] == "INACTIVE" {
        let (service, cluster) = (service.to_owned(), cluster.to_owned());
        return Err(Error::Inactive { service, cluster, status: "INACTIVE".into() });
    }
    let lists = ["deployments", "taskSets"].into_iter().flat_map(|list| raw[list].as_array().into_iter().flatten());
    let primary = lists.into_iter().find(|one| one["status"] == "PRIMARY");
    match primary.unwrap_or(&raw)["taskDefinition"].as_str() {
        Some(arn) => Family::parse(arn, None),
        None => {
            let hint = "Nothing was deployed to it yet; compare with the family's latest revision by --family alone.";
            Err(Error::input("service-name", format!("'{service}' runs no task definition"), hint))
        }
    }
}
