//! How everything in a document of faults is written: the members of rules and fates, what they hold, and an example of
//! each. What is read, what is said of a mistake, and what the README has to name go by these tables.

/// What a member holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Text,
    Texts,
    /// 0 and up.
    Whole,
    Signed,
    /// 0 and up, with a fraction.
    Seconds,
    /// Another table tells.
    Other,
}

/// What stands behind a form's name.
#[derive(Debug, Clone, Copy)]
pub enum Content {
    Nothing,
    Number,
    Members(&'static [Member]),
}

#[derive(Debug, Clone, Copy)]
pub struct Member {
    pub name: &'static str,
    pub kind: Kind,
    pub required: bool,
}

/// An effect or a fate.
#[derive(Debug, Clone, Copy)]
pub struct Form {
    pub name: &'static str,
    pub content: Content,
    /// A whole rule with it.
    pub example: &'static str,
}

#[cfg(test)]
impl Form {
    pub fn members(&self) -> &'static [Member] {
        match self.content {
            Content::Members(members) => members,
            Content::Nothing | Content::Number => &[],
        }
    }
}

const fn may(name: &'static str, kind: Kind) -> Member {
    Member { name, kind, required: false }
}

const fn must(name: &'static str, kind: Kind) -> Member {
    Member { name, kind, required: true }
}

const fn form(name: &'static str, content: Content, example: &'static str) -> Form {
    Form { name, content, example }
}

pub const DOCUMENT: &[Member] = &[
    may("rules", Kind::Other),
    may("fates", Kind::Other),
    may("alarms", Kind::Other),
    may("hooks", Kind::Other),
    may("lag", Kind::Other),
];

pub const RULE: &[Member] = &[
    may("on", Kind::Text),
    may("skip", Kind::Whole),
    may("every", Kind::Whole),
    may("times", Kind::Whole),
    may("seconds", Kind::Seconds),
    must("then", Kind::Other),
];

pub const EFFECTS: &[Form] = &[
    form(
        "throttle",
        Content::Members(&[may("retry_after", Kind::Whole)]),
        r#"{"on": "ecr:PutImage", "times": 3, "then": {"throttle": {"retry_after": 1}}}"#,
    ),
    form("status", Content::Number, r#"{"on": "ecs:*", "every": 5, "then": {"status": 500}}"#),
    form("deny", Content::Nothing, r#"{"on": "ecs:UpdateService", "then": "deny"}"#),
    form(
        "cut",
        Content::Members(&[must("after", Kind::Whole)]),
        r#"{"on": "PATCH /v2/*", "times": 1, "then": {"cut": {"after": 1048576}}}"#,
    ),
    form("lose_answer", Content::Nothing, r#"{"on": "ecs:RunTask", "times": 1, "then": "lose_answer"}"#),
    form(
        "slow",
        Content::Members(&[may("milliseconds", Kind::Whole), may("bytes_per_second", Kind::Whole)]),
        r#"{"on": "PATCH /v2/*", "seconds": 30, "then": {"slow": {"milliseconds": 200, "bytes_per_second": 100000}}}"#,
    ),
    form("expire_token", Content::Nothing, r#"{"on": "PATCH /v2/*", "skip": 3, "then": "expire_token"}"#),
    form(
        "expire_credentials",
        Content::Nothing,
        r#"{"on": "ecs:DescribeServices", "skip": 4, "then": "expire_credentials"}"#,
    ),
    form("clock", Content::Members(&[must("ahead", Kind::Signed)]), r#"{"then": {"clock": {"ahead": -3600}}}"#),
    form("ecr_strict", Content::Nothing, r#"{"on": "PUT /v2/*", "then": "ecr_strict"}"#),
    form(
        "replace_deployment",
        Content::Nothing,
        r#"{"on": "ecs:DescribeServices", "skip": 2, "times": 1, "then": "replace_deployment"}"#,
    ),
    form(
        "fail_entries",
        Content::Members(&[may("target", Kind::Text), may("code", Kind::Text), may("message", Kind::Text)]),
        r#"{"on": "events:PutTargets", "then": {"fail_entries": {"target": "1", "code": "InternalException"}}}"#,
    ),
];

pub const FATE: &[Member] = &[
    may("cluster", Kind::Text),
    may("service", Kind::Text),
    may("family", Kind::Text),
    may("image", Kind::Text),
    may("container", Kind::Text),
    may("from", Kind::Whole),
    may("times", Kind::Whole),
    may("log", Kind::Texts),
    must("fate", Kind::Other),
];

const REASON: Content = Content::Members(&[may("reason", Kind::Text)]);
const AFTER: Content = Content::Members(&[may("after", Kind::Seconds)]);

pub const FATES: &[Form] = &[
    form("healthy", Content::Nothing, r#"{"family": "shop", "times": 2, "fate": "healthy"}"#),
    form("failPull", REASON, r#"{"family": "shop:2", "fate": "failPull"}"#),
    form(
        "exitCode",
        Content::Members(&[must("code", Kind::Signed), may("after", Kind::Seconds)]),
        r#"{"image": ":bad", "fate": {"exitCode": {"code": 3, "after": 0.5}}, "log": ["cannot reach the database"]}"#,
    ),
    form("healthCheckFails", Content::Nothing, r#"{"service": "web", "from": 3, "fate": "healthCheckFails"}"#),
    form(
        "elbHealthCheckFails",
        REASON,
        r#"{"service": "web", "fate": {"elbHealthCheckFails": {"reason": "Health checks failed with these codes: [502]"}}}"#,
    ),
    form("outOfMemory", AFTER, r#"{"family": "shop:2", "container": "web", "fate": {"outOfMemory": {"after": 2}}}"#),
    form("spotInterruption", AFTER, r#"{"service": "web", "times": 1, "fate": {"spotInterruption": {"after": 5}}}"#),
    form("resourceInitialization", REASON, r#"{"family": "shop:2", "fate": "resourceInitialization"}"#),
    form("neverStarts", Content::Nothing, r#"{"cluster": "default", "family": "migrate", "fate": "neverStarts"}"#),
    form("noCapacity", REASON, r#"{"family": "migrate", "fate": {"noCapacity": {"reason": "RESOURCE:MEMORY"}}}"#),
];

pub const ALARM: &[Member] = &[
    must("name", Kind::Text),
    may("cluster", Kind::Text),
    may("service", Kind::Text),
    may("family", Kind::Text),
    may("after", Kind::Seconds),
];

pub const LAG: &[Member] = &[
    may("serviceDeployments", Kind::Seconds),
    may("currentDeployment", Kind::Seconds),
    may("newService", Kind::Seconds),
    may("newTask", Kind::Seconds),
];

pub const HOOK_ANSWERS: &[&str] = &["SUCCEEDED", "FAILED", "IN_PROGRESS"];

pub const RULE_EXAMPLE: &str = EFFECTS[2].example;
pub const FATE_EXAMPLE: &str = FATES[2].example;
pub const ALARM_EXAMPLE: &str = r#"{"name": "web-5xx", "family": "shop:2", "after": 1}"#;
pub const HOOKS_EXAMPLE: &str = r#"{"function:smoke-test": ["IN_PROGRESS", "FAILED"]}"#;
pub const LAG_EXAMPLE: &str = r#"{"serviceDeployments": 2, "currentDeployment": 5}"#;
pub const DOCUMENT_EXAMPLE: &str = r#"{"rules": [{"on": "ecr:PutImage", "times": 2, "then": {"throttle": {}}}]}"#;
