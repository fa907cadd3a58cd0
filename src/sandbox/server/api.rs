//! The AWS protocols: at `POST /` JSON 1.1, where a header names service and operation, and Query with XML for STS and
//! load balancers, told apart by the version that they name; at paths of its own REST with JSON for EventBridge
//! Scheduler. Of signatures the time is
//! checked and the keys are known, and no more is verified.

use bytes::Bytes;
use hyper::header::{HeaderValue, RETRY_AFTER};
use serde_json::{Map, Value, json};

use super::handle::{Code, form};
use super::intake::{Intake, Trouble};
use super::reply::{self, Reply, bytes};
use super::site::Site;
use crate::sandbox::Refusal;
use crate::sandbox::caller::Signature;
use crate::sandbox::ecr::Ecr;
use crate::sandbox::elb::{self, Elb};
use crate::sandbox::fault::Orders;
use crate::sandbox::scheduler;
use crate::sandbox::skew::{Skew, Unit};
use crate::sandbox::sts::{self, Sts};

/// Larger than any call that AWS takes; a layer part of 20 MiB in base64 is the largest.
pub const LARGEST: usize = 32 * 1024 * 1024;

/// A service that is not here; its operations are all unknown.
const OTHER: &str = "aws";

/// IAM's name for the service of load balancers and target groups.
const LOAD_BALANCING: &str = "elasticloadbalancing";

/// Which service a form is for.
fn service(form: &std::collections::HashMap<String, String>) -> &'static str {
    match form.get("Version").map(String::as_str) {
        Some(elb::VERSION) => LOAD_BALANCING,
        _ => "sts",
    }
}

fn action(form: &std::collections::HashMap<String, String>) -> &str {
    form.get("Action").map_or("", String::as_str)
}

/// A call that has a name.
pub enum Api {
    Json { service: &'static str, operation: String },
    Query(std::collections::HashMap<String, String>),
    Rest(scheduler::Call),
}

impl Api {
    /// By the header `X-Amz-Target`.
    pub fn of_target(target: &str) -> Self {
        let (service, operation) = target.split_once('.').unwrap_or((target, ""));
        let service = match service {
            "AmazonEC2ContainerRegistry_V20150921" => "ecr",
            "AmazonEC2ContainerServiceV20141113" => "ecs",
            "AWSEvents" => "events",
            "Logs_20140328" => "logs",
            "CodeDeploy_20141006" => "codedeploy",
            _ => OTHER,
        };
        Api::Json { service, operation: operation.into() }
    }

    pub fn of_form(body: Bytes) -> Self {
        Api::Query(form(&body))
    }

    pub fn action(&self) -> String {
        match self {
            Api::Json { service, operation } => format!("{service}:{operation}"),
            Api::Query(form) => format!("{}:{}", service(form), action(form)),
            Api::Rest(call) => format!("scheduler:{}", call.operation),
        }
    }

    /// The whole input of a call with this body.
    fn input(&self, body: Value) -> Value {
        match self {
            Api::Rest(call) => call.input(body),
            _ => body,
        }
    }

    /// A refusal at the door, which the Query protocol has other codes for.
    fn word(&self, refusal: Refusal) -> Refusal {
        let code = match (self, &*refusal.code) {
            (Api::Json { .. } | Api::Rest(_), _) => return refusal,
            (_, "AccessDeniedException") => "AccessDenied",
            (_, "ExpiredTokenException") => "ExpiredToken",
            (_, "InvalidSignatureException") => "SignatureDoesNotMatch",
            _ => return refusal.with_status(403),
        };
        Refusal::new(code, refusal.message).with_status(403)
    }

    /// In what its documents count moments.
    fn unit(&self) -> Unit {
        match self {
            Api::Json { service, .. } => Unit::of(service),
            Api::Query(_) | Api::Rest(_) => Unit::Seconds,
        }
    }

    /// Web identities come without keys.
    fn is_signed(&self) -> bool {
        !matches!(self, Api::Query(form) if form.get("Action").is_some_and(|action| action == "AssumeRoleWithWebIdentity"))
    }
}

pub async fn answer(
    site: &Site,
    intake: &mut Intake,
    call: Api,
    signature: Option<Signature>,
    orders: &Orders,
) -> Result<Reply, Trouble> {
    let body = intake.all(LARGEST).await?;
    let caller = site.sessions.arn(signature.as_ref().map(|signature| signature.access_key.as_str()), &site.account);
    let mut reply = match &call {
        Api::Json { .. } | Api::Rest(_) => {
            let input = parse(&body).map(|body| call.input(body));
            let sound =
                input.and_then(|input| permit(site, &call, &signature, &caller, &input, orders).map(|()| input));
            let answer = sound.and_then(|mut input| {
                orders.clock.hear(&mut input, call.unit());
                let mut answer = dispatch(site, &call, &caller, input, orders)?;
                orders.clock.tell(&mut answer, call.unit());
                Ok(answer)
            });
            if matches!(call, Api::Rest(_)) { as_rest(&answer) } else { as_json(&answer) }
        }
        Api::Query(form) if service(form) == LOAD_BALANCING => {
            let input = elb::input(form);
            let permitted = permit(site, &call, &signature, &caller, &input, orders);
            let targets = |group: &str| site.plane().targets_now(group, site.clock.now());
            let answer = permitted.and_then(|()| {
                let groups = site.plane().target_groups();
                Elb { groups, targets: &targets }.call(self::action(form), &input)
            });
            let request = site.ids.uuid();
            match &answer {
                Ok(answer) => bytes(200, "text/xml", elb::document(self::action(form), answer, &request)),
                Err(refusal) => coded(bytes(refusal.status, "text/xml", elb::error(refusal, &request)), refusal),
            }
        }
        Api::Query(form) => {
            let permitted = permit(site, &call, &signature, &caller, &Value::Object(Map::new()), orders);
            let sts = Sts {
                account: &site.account,
                caller: &caller,
                sessions: &site.sessions,
                ids: &site.ids,
                now: orders.clock.shown(site.now()),
            };
            as_xml(site, &permitted.and_then(|()| sts.call(form)))
        }
    };
    let request = HeaderValue::from_str(&site.ids.uuid()).expect("hex is a header");
    reply.headers_mut().insert("x-amzn-requestid", request);
    if let Some(Some(seconds)) = orders.throttle {
        reply.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    Ok(reply)
}

fn parse(body: &[u8]) -> Result<Value, Refusal> {
    let unsound = || Refusal::new("SerializationException", "");
    match body.iter().all(u8::is_ascii_whitespace) {
        true => Ok(Value::Object(Map::new())),
        false => serde_json::from_slice(body).ok().filter(Value::is_object).ok_or_else(unsound),
    }
}

fn dispatch(site: &Site, call: &Api, caller: &str, input: Value, orders: &Orders) -> Result<Value, Refusal> {
    match call {
        Api::Json { service: "ecr", operation } => Ecr { site, caller, now: site.now() }.call(operation, &input),
        Api::Json { service: "ecs", operation } => {
            if orders.replace_deployment {
                replace_deployments(site, &input);
            }
            let answer = site.plane().call(operation, input, site.clock.now());
            site.plane_has_changed();
            answer
        }
        Api::Json { service: "events", operation } => site.events(operation, &input, orders.fail_entries.as_ref()),
        Api::Rest(call) => site.scheduler(call.operation, &input),
        Api::Json { service: "logs", operation } => site.call_logs(operation, &input),
        Api::Json { service: "codedeploy", operation } => {
            let answer = site.plane().codedeploy(operation, input, site.clock.now());
            site.plane_has_changed();
            answer
        }
        _ => Err(Refusal::unknown_operation()),
    }
}

/// As another job does that deploys the same revision once more. A service that is not there has nothing to replace.
fn replace_deployments(site: &Site, input: &Value) {
    let one = input.get("service").into_iter();
    for service in one.chain(input.get("services").and_then(Value::as_array).into_iter().flatten()) {
        let mut update = json!({ "service": service, "forceNewDeployment": true });
        if let Some(cluster) = input.get("cluster") {
            update["cluster"] = cluster.clone();
        }
        let _ = site.plane().call("UpdateService", update, site.clock.now());
    }
}

/// What is refused before the work: by a rule, or for want of any signature.
fn permit(
    site: &Site,
    call: &Api,
    signature: &Option<Signature>,
    caller: &str,
    input: &Value,
    orders: &Orders,
) -> Result<(), Refusal> {
    admit(site, call, signature.as_ref(), orders.clock)?;
    if orders.throttle.is_some() {
        return Err(Refusal::throttled());
    }
    if let Some(status) = orders.status {
        let code = if status < 500 { "ClientException" } else { "ServerException" };
        return Err(Refusal::new(code, "A rule of the sandbox's faults answers so.").with_status(status));
    }
    if orders.deny {
        return Err(call.word(Refusal::denied(caller, &call.action(), &resource(site, call, input))));
    }
    Ok(())
}

/// Who may not come in at all: without a signature, with one of another time, with keys that have come to their end.
fn admit(site: &Site, call: &Api, signature: Option<&Signature>, clock: Skew) -> Result<(), Refusal> {
    if !call.is_signed() {
        return Ok(());
    }
    let Some(signature) = signature else {
        let missing = Refusal::new("MissingAuthenticationTokenException", "Missing Authentication Token");
        return Err(call.word(missing));
    };
    signature.check_age(clock.shown(site.now())).map_err(|refusal| call.word(refusal))?;
    if !site.sessions.admits(signature) {
        let message = "The security token included in the request is expired";
        return Err(call.word(Refusal::new("ExpiredTokenException", message)));
    }
    Ok(())
}

/// What a call is about, as IAM's messages name it.
fn resource(site: &Site, call: &Api, input: &Value) -> String {
    let text = |name: &str| input.get(name).and_then(Value::as_str);
    let ecs = |rest: String| format!("arn:aws:ecs:{}:{}:{rest}", site.region, site.account);
    match call {
        Api::Query(_) if text("TargetGroupArn").is_some() => text("TargetGroupArn").unwrap_or("*").to_owned(),
        Api::Query(form) => form.get("RoleArn").cloned().unwrap_or_else(|| "*".into()),
        Api::Json { service: "events", .. } => match text("Rule").or(text("Name")) {
            Some(rule) => format!("arn:aws:events:{}:{}:rule/{rule}", site.region, site.account),
            None => "*".into(),
        },
        Api::Rest(_) => {
            let (group, name) = (text("GroupName").unwrap_or("default"), text("Name").unwrap_or("*"));
            format!("arn:aws:scheduler:{}:{}:schedule/{group}/{name}", site.region, site.account)
        }
        Api::Json { service: "ecr", .. } => text("repositoryName").map_or_else(|| "*".into(), |name| site.arn(name)),
        Api::Json { service: "logs", .. } => {
            let (group, stream) = (text("logGroupName").unwrap_or("*"), text("logStreamName").unwrap_or(""));
            format!("arn:aws:logs:{}:{}:log-group:{group}:log-stream:{stream}", site.region, site.account)
        }
        Api::Json { service: "codedeploy", .. } => match (text("applicationName"), text("deploymentGroupName")) {
            (Some(application), Some(group)) => {
                let place = format!("{}:{}", site.region, site.account);
                format!("arn:aws:codedeploy:{place}:deploymentgroup:{application}/{group}")
            }
            _ => "*".into(),
        },
        Api::Json { .. } => {
            let cluster = text("cluster").unwrap_or("default");
            let cluster = cluster.rsplit('/').next().unwrap_or(cluster);
            let named = text("service").or(text("serviceName"));
            match named {
                Some(arn) if arn.starts_with("arn:") => arn.to_owned(),
                Some(name) => ecs(format!("service/{cluster}/{name}")),
                None => text("taskDefinition").filter(|arn| arn.starts_with("arn:")).unwrap_or("*").to_owned(),
            }
        }
    }
}

fn as_json(answer: &Result<Value, Refusal>) -> Reply {
    const TYPE: &str = "application/x-amz-json-1.1";
    match answer {
        Ok(document) => bytes(200, TYPE, document.to_string()),
        Err(refusal) => coded(bytes(refusal.status, TYPE, refusal.json().to_string()), refusal),
    }
}

/// The error's code is in a header (REST JSON protocol).
fn as_rest(answer: &Result<Value, Refusal>) -> Reply {
    match answer {
        Ok(document) => reply::json(200, document),
        Err(refusal) => {
            let mut reply = coded(reply::json(scheduler::status(refusal), &scheduler::refused(refusal)), refusal);
            if let Ok(code) = HeaderValue::from_str(&refusal.code) {
                reply.headers_mut().insert("x-amzn-errortype", code);
            }
            reply
        }
    }
}

fn as_xml(site: &Site, answer: &Result<String, Refusal>) -> Reply {
    match answer {
        Ok(text) => bytes(200, "text/xml", text.clone()),
        Err(refusal) => coded(bytes(refusal.status, "text/xml", sts::xml(refusal, &site.ids.uuid())), refusal),
    }
}

fn coded(mut reply: Reply, refusal: &Refusal) -> Reply {
    reply.extensions_mut().insert(Code(refusal.code.to_string()));
    reply
}
