//! What is likely to mend a task that does not start or stay up. The texts on the left are ECS's own, as the
//! developer guide lists them under "stopped tasks error codes"; the first that matches counts.

const CURES: &[(&[&str], &str)] = &[
    (
        &["does not contain descriptor matching platform"],
        "The image was built for another CPU: build it for the platform of the task definition (runtimePlatform).",
    ),
    (
        &["exec format error"],
        "The program was built for another CPU: build it for the platform of the task definition (runtimePlatform).",
    ),
    (
        &["CannotPullContainer", "not found"],
        "There is no such tag or digest in the repository: check that it was pushed, and to this account and region.",
    ),
    (
        &["CannotPullContainer", "manifest unknown"],
        "There is no such tag or digest in the repository: check that it was pushed, and to this account and region.",
    ),
    (
        &["CannotPullContainer", "toomanyrequests"],
        "Docker Hub limits anonymous pulls: use a pull-through cache, ECR Public, or repositoryCredentials.",
    ),
    (
        &["CannotPullContainer", "429"],
        "Docker Hub limits anonymous pulls: use a pull-through cache, ECR Public, or repositoryCredentials.",
    ),
    (
        &["CannotPullContainer", "403"],
        "Grant the execution role ecr:BatchGetImage and ecr:GetDownloadUrlForLayer, and the repository to its account.",
    ),
    (
        &["CannotPullContainer", "denied"],
        "Grant the execution role ecr:BatchGetImage and ecr:GetDownloadUrlForLayer, and the repository to its account.",
    ),
    (
        &["CannotPullContainer", "timeout"],
        "The task cannot reach the registry: it needs a NAT gateway, VPC endpoints (ecr.api, ecr.dkr, s3) or a public IP.",
    ),
    (
        &["CannotPullContainer", "deadline exceeded"],
        "The task cannot reach the registry: it needs a NAT gateway, VPC endpoints (ecr.api, ecr.dkr, s3) or a public IP.",
    ),
    (&["CannotPullContainer", "no space left"], "The image does not fit on the task's disk: raise ephemeralStorage."),
    (
        &["CannotPullContainer"],
        "Check the image's name, and that the execution role and the network reach its registry.",
    ),
    (
        &["ResourceInitializationError", "ecr", "timeout"],
        "The task cannot reach ECR: it needs a NAT gateway, VPC endpoints (ecr.api, ecr.dkr, s3) or a public IP.",
    ),
    (
        &["ResourceInitializationError", "log group does not exist"],
        "Create the log group, or set awslogs-create-group and grant logs:CreateLogGroup.",
    ),
    (
        &["ResourceInitializationError", "AccessDenied"],
        "Grant the execution role the secret, parameter or key that is named here.",
    ),
    (
        &["ResourceInitializationError", "did not contain json key"],
        "The secret has no such key: compare the part behind the secret's ARN in valueFrom with its content.",
    ),
    (
        &["ResourceInitializationError", "secret"],
        "Check that the secret and the key within it exist, and that the execution role and the network reach it.",
    ),
    (
        &["ResourceInitializationError", "ssm"],
        "Check that the parameter exists, and that the execution role and the network reach it.",
    ),
    (
        &["ResourceInitializationError", "EFS"],
        "Check the file system's mount targets, security group and access point.",
    ),
    (
        &["ResourceInitializationError", "logger"],
        "Check the log group, and that the execution role and the network reach CloudWatch Logs.",
    ),
    (&["OutOfMemory"], "Raise the memory of the task or container, or lower what the program uses."),
    (
        &["exited with 137"],
        "The container was killed: most often for want of memory, else because it did not end within stopTimeout.",
    ),
    (&["exited with 127"], "The command was not found in the image: check entryPoint and command."),
    (&["exited with 126"], "The command is not executable: check its mode in the image, and entryPoint."),
    (
        &["exited with 139"],
        "The program crashed on a bad memory access: often a native library for another libc (Alpine) or CPU.",
    ),
    (
        &["exited with 132"],
        "The program was built for a newer CPU than this: build it for the platform of the task definition.",
    ),
    (
        &["exited with 143"],
        "Something asked it to stop while it was starting: a failed health check, or its own supervisor.",
    ),
    (
        &["failed ELB health checks"],
        "Check the target group's path, port and codes, the security groups, and healthCheckGracePeriodSeconds.",
    ),
    (
        &["failed container health checks"],
        "Check the healthCheck command (it runs inside the image), and raise startPeriod if the start is slow.",
    ),
    (&["SpotInterruption"], "Fargate Spot took the capacity back: use FARGATE for a base of the tasks."),
];

/// Less certain: matched only where nothing above does.
const ALSO: &[(&[&str], &str)] = &[
    (&["CannotStartContainer"], "Check entryPoint, command and workingDirectory against the image."),
    (&["CannotCreateContainer"], "Check mount points, volumes and the container's name on this instance."),
    (&["unable to assume the role"], "Let ecs-tasks.amazonaws.com assume the execution and task role."),
    (
        &["is unhealthy in"],
        "Check the target group's path, port and codes, the security groups, and healthCheckGracePeriodSeconds.",
    ),
    (&["RESOURCE:MEMORY"], "No instance has enough memory left: add instances or lower the task's memory."),
    (&["RESOURCE:CPU"], "No instance has enough CPU left: add instances or lower the task's cpu."),
    (&["RESOURCE:PORTS"], "Its host port is taken on every instance: add instances or use dynamic ports."),
    (&["RESOURCE:ENI"], "No instance has a network interface left: add instances, or turn on awsvpcTrunking."),
    (&["RESOURCE:GPU"], "No instance has a GPU left: add instances with one, or lower resourceRequirements."),
    (
        &["Capacity is unavailable"],
        "AWS is short of this capacity: try again, allow more zones (subnets), or another capacity provider.",
    ),
    (&["vCPUs", "limit"], "The account's quota of Fargate vCPUs is used up: ask for more in Service Quotas."),
    (&["concurrent tasks"], "The account's quota of tasks is used up: ask for more in Service Quotas."),
    (
        &["was unable to place a task", "ATTRIBUTE"],
        "No instance has an attribute that the task needs: compare CPU architecture, log driver and network mode.",
    ),
    (
        &["was unable to place a task", "AGENT"],
        "The ECS agents of the instances are not connected: look at these first.",
    ),
    (
        &["was unable to place a task", "memory"],
        "No instance has enough memory left: add instances or lower the task's memory.",
    ),
    (&["was unable to place a task", "CPU"], "No instance has enough CPU left: add instances or lower the task's cpu."),
    (
        &["was unable to place a task", "port"],
        "Its host port is taken on every instance: add instances or use dynamic ports.",
    ),
    (
        &["was unable to place a task", "No Container Instances"],
        "The cluster has no instances: add some, or deploy with FARGATE.",
    ),
    (&["was unable to place a task"], "No capacity meets the task's requirements: compare them with the instances."),
    (
        &["unable to consistently start tasks"],
        "ECS now waits longer and longer between its attempts: mend the cause below.",
    ),
    (&["must keep running"], "Run the program in the foreground; a job that ends belongs into run-task."),
    (&["exited with"], "The reason is in the container's log."),
];

/// What programs and runtimes write about troubles that are not the program's own.
const IN_LOG: &[(&[&str], &str)] = &[
    (
        &["exec format error"],
        "The program was built for another CPU: build it for the platform of the task definition (runtimePlatform).",
    ),
    (&["UnsupportedClassVersionError"], "The image's Java is older than the one that compiled the program."),
    (
        &["OutOfMemoryError"],
        "The program ran out of memory: raise the task's memory, or the share of it that the runtime may use.",
    ),
    (
        &["heap out of memory"],
        "The program ran out of memory: raise the task's memory, or the share of it that the runtime may use.",
    ),
    (&["address already in use"], "Two programs of the task want the same port."),
    (&["EADDRINUSE"], "Two programs of the task want the same port."),
    (
        &["AccessDenied"],
        "Grant the task role what is named here; the execution role is for ECS itself and does not count.",
    ),
    (
        &["read-only file system"],
        "The container may not write there: give it a volume, or take readonlyRootFilesystem away.",
    ),
    (
        &["connection refused"],
        "What it depends on does not answer: check its address in the environment, and the security groups.",
    ),
    (&["no such host"], "A name cannot be resolved: check the address in the environment, and the VPC's DNS."),
    (&["UnknownHostException"], "A name cannot be resolved: check the address in the environment, and the VPC's DNS."),
    (&["ENOTFOUND"], "A name cannot be resolved: check the address in the environment, and the VPC's DNS."),
];

/// The likely cure for what a container's last lines tell of; the last that tells anything counts.
pub fn cure_in_log(lines: &[String]) -> Option<&'static str> {
    lines.iter().rev().find_map(|line| find(IN_LOG.iter(), line))
}

/// The likely cure for a task's reason or a service's event.
pub fn cure(text: &str) -> Option<&'static str> {
    find(CURES.iter().chain(ALSO), text)
}

fn find<'a>(mut cures: impl Iterator<Item = &'a (&'a [&'a str], &'static str)>, text: &str) -> Option<&'static str> {
    let lower = text.to_lowercase();
    let found = |signs: &[&str]| signs.iter().all(|sign| lower.contains(&sign.to_lowercase()));
    cures.find(|(signs, _)| found(signs)).map(|(_, cure)| *cure)
}
