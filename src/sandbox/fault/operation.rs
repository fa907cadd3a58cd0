//! What `on` may name: the operations that the sandbox answers, and requests by method and path. A name that nothing can
//! ever match is a mistake that would make a rehearsal green for the wrong reason.

use crate::nearest::nearest;
use crate::sandbox::catalog::matches;

/// By IAM's name of the service.
const OPERATIONS: &[(&str, &str)] = &[
    (
        "ecr",
        "BatchCheckLayerAvailability BatchDeleteImage BatchGetImage CompleteLayerUpload CreateRepository \
         CreateRepositoryCreationTemplate DeleteLifecyclePolicy DeleteRepository \
         DeleteRepositoryCreationTemplate DeleteRepositoryPolicy DescribeImages DescribeRegistry \
         DescribeRepositories DescribeRepositoryCreationTemplates GetAccountSetting GetAuthorizationToken \
         GetDownloadUrlForLayer GetLifecyclePolicy GetLifecyclePolicyPreview GetRepositoryPolicy \
         InitiateLayerUpload ListImageReferrers ListImages ListTagsForResource PutAccountSetting PutImage \
         PutImageScanningConfiguration PutImageTagMutability PutLifecyclePolicy SetRepositoryPolicy \
         StartLifecyclePolicyPreview TagResource UntagResource UploadLayerPart",
    ),
    (
        "ecs",
        "ContinueServiceDeployment CreateCluster CreateService CreateTaskSet DeleteCluster DeleteService \
         DeleteTaskDefinitions DeleteTaskSet DeregisterTaskDefinition DescribeClusters \
         DescribeServiceDeployments DescribeServiceRevisions DescribeServices DescribeTaskDefinition \
         DescribeTaskSets DescribeTasks ListClusters ListServiceDeployments ListServices ListTagsForResource \
         ListTaskDefinitionFamilies ListTaskDefinitions ListTasks RegisterTaskDefinition RunTask \
         StopServiceDeployment StopTask TagResource UntagResource UpdateService UpdateServicePrimaryTaskSet \
         UpdateTaskSet",
    ),
    ("sts", "AssumeRole AssumeRoleWithWebIdentity GetCallerIdentity"),
    ("elasticloadbalancing", "DescribeLoadBalancers DescribeTargetGroups DescribeTargetHealth"),
    (
        "logs",
        "CreateLogGroup CreateLogStream DeleteLogGroup DescribeLogGroups DescribeLogStreams FilterLogEvents \
         GetLogEvents PutLogEvents",
    ),
    (
        "events",
        "CreateEventBus DeleteEventBus DeleteRule DescribeEventBus DescribeRule DisableRule EnableRule \
         ListEventBuses ListRuleNamesByTarget ListRules ListTagsForResource ListTargetsByRule PutRule \
         PutTargets RemoveTargets TagResource UntagResource",
    ),
    (
        "scheduler",
        "CreateSchedule CreateScheduleGroup DeleteSchedule DeleteScheduleGroup GetSchedule GetScheduleGroup \
         ListScheduleGroups ListSchedules ListTagsForResource TagResource UntagResource UpdateSchedule",
    ),
    (
        "codedeploy",
        "BatchGetApplications BatchGetDeploymentGroups BatchGetDeploymentTargets BatchGetDeployments \
         ContinueDeployment CreateApplication CreateDeployment CreateDeploymentGroup DeleteApplication \
         DeleteDeploymentGroup GetApplication GetApplicationRevision GetDeployment GetDeploymentConfig \
         GetDeploymentGroup GetDeploymentTarget ListApplications ListDeploymentConfigs ListDeploymentGroups \
         ListDeploymentTargets ListDeployments RegisterApplicationRevision StopDeployment \
         UpdateDeploymentGroup",
    ),
];

const METHODS: &[&str] = &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    OPERATIONS.iter().flat_map(|(service, names)| names.split_whitespace().map(move |name| (*service, name)))
}

/// Why nothing can match, and the cure.
pub fn check(on: &str) -> Result<(), (String, String)> {
    if on.contains([' ', '/']) {
        return check_request(on);
    }
    let actions: Vec<String> = all().map(|(service, name)| format!("{service}:{name}")).collect();
    if actions.iter().any(|action| matches(on, action)) || all().any(|(_, name)| matches(on, name)) {
        return Ok(());
    }
    let meant = match on.contains(':') {
        true => nearest(on, actions.iter().map(String::as_str)),
        false => nearest(on, all().map(|(_, name)| name)),
    };
    let services: Vec<&str> = OPERATIONS.iter().map(|(service, _)| *service).collect();
    let hint = match meant {
        Some(meant) => format!("Write \"on\": \"{meant}\"."),
        None => format!(
            "Write \"on\": \"ecs:UpdateService\", \"ecs:*\" or \"GET /v2/*\"; services are {}.",
            services.join(", ")
        ),
    };
    Err((format!("the sandbox has no operation '{on}'"), hint))
}

fn check_request(on: &str) -> Result<(), (String, String)> {
    let (method, path) = on.split_once(' ').unwrap_or(("", on));
    let sound = METHODS.iter().any(|known| matches(method, known)) && path.starts_with(['/', '*']);
    let hint = || format!("Write \"on\": \"{} {}\"; * stands for any method.", METHODS[0], path.trim_start());
    if sound { Ok(()) } else { Err((format!("'{on}' is not a method and a path"), hint())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What stands before `=>` where the services find their operations.
    fn answered(source: &str) -> Vec<&str> {
        let arms = source.lines().filter_map(|line| line.trim().strip_prefix('"')?.split_once("\" =>"));
        arms.filter(|(name, rest)| {
            name.starts_with(|one: char| one.is_ascii_uppercase()) && !rest.trim_start().starts_with(['"', '4'])
        })
        .map(|(name, _)| name)
        .collect()
    }

    #[test]
    fn operations_are_those_that_are_answered() {
        let sources = [
            ("ecr", include_str!("../ecr/mod.rs")),
            ("ecs", include_str!("../ecs/mod.rs")),
            ("sts", include_str!("../sts.rs")),
            ("elasticloadbalancing", include_str!("../elb/mod.rs")),
            ("logs", include_str!("../logs/mod.rs")),
            ("events", include_str!("../events/mod.rs")),
            ("scheduler", include_str!("../scheduler/mod.rs")),
            ("codedeploy", include_str!("../codedeploy/mod.rs")),
        ];
        for (service, source) in sources {
            let mut wanted: Vec<&str> =
                answered(source).into_iter().filter(|name| !name.ends_with("Exception")).collect();
            wanted.sort_unstable();
            let listed: Vec<&str> = all().filter(|(of, _)| *of == service).map(|(_, name)| name).collect();
            assert_eq!(listed, wanted, "{service}");
        }
    }

    #[test]
    fn name_that_nothing_can_match_is_refused_with_the_nearest() {
        for on in ["*", "ecs:*", "PutImage", "*Image", "ecr:Put*", "GET /v2/*", "* /v2/", "P* /v2/*", "*:TagResource"] {
            assert_eq!(check(on), Ok(()), "{on}");
        }
        let hint = |on: &str| check(on).unwrap_err().1;
        assert_eq!(hint("ecs:UpdateServce"), "Write \"on\": \"ecs:UpdateService\".");
        assert_eq!(hint("putimage"), "Write \"on\": \"PutImage\".");
        assert_eq!(hint("/v2/*"), "Write \"on\": \"GET /v2/*\"; * stands for any method.");
        assert!(hint("s3:GetObject").contains("services are ecr, ecs"), "{}", hint("s3:GetObject"));
        assert!(check("GTE /v2/*").is_err());
    }
}
