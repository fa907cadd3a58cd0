//! A rolling update against the AWS of the local stack, which starts no tasks but keeps services as ECS does.

use crate::examples::account::Account;
use crate::support::process::Job;
use crate::support::stack::Stack;

#[tokio::test]
async fn rolling_update_of_the_local_stack_succeeds() {
    let Some(stack) = Stack::running() else {
        eprintln!("skipped: DOCKLESS_TEST_STACK is not set, see scripts/test");
        return;
    };
    let account = Account::of("rolling update", stack);
    account.set_stage("web", "web");
    let job = Job::at(&account.stack["AWS_ENDPOINT_URL"])
        .with("AWS_REGION", "us-east-1")
        .with("AWS_ACCESS_KEY_ID", &account.id);
    let words = [
        "deploy-service-update",
        "--cluster=production",
        "--family=web",
        "--container-image-name-updates=container=web,image-and-tag=host.example/web:v2",
        "--container-env-var-updates=container=web,name=GREETING,value=Grüße",
        "--verification-timeout=60s",
    ];
    let ended = job.run(&words).await;
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(ended.stdout.trim().ends_with(":task-definition/web:2"), "{}", ended.stdout);
    assert_eq!(account.deployed_image("web"), "host.example/web:v2");
    let again = job.run(&words).await;
    assert_eq!((again.code, again.stdout), (0, ended.stdout), "no revision is registered twice: {}", again.stderr);
}
