//! A run that is stopped from outside leaves the deployment alone and says so.

use std::time::Duration;

use tokio::process::Command;

use super::stage::{NEW_IMAGE, SERVICE, Stage, going};
use crate::support::process::Ended;

#[tokio::test]
async fn interrupted_watch_is_exit_code_130_and_says_what_goes_on() {
    for (signal, form) in [("-INT", "--output=plain"), ("-TERM", "--output=json")] {
        let stage = Stage::start(&[going(1)]).await;
        let child = stage.job.spawn(&[&SERVICE[..], &[NEW_IMAGE, form]].concat());
        let id = child.id().unwrap().to_string();
        while stage.aws.received_of("DescribeServices").len() < 2 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert!(Command::new("sh").args(["-c", "kill $0 $1", signal, &id]).status().await.unwrap().success());
        let ended = Ended::from(child.wait_with_output().await.unwrap());
        assert_eq!(ended.code, 130, "{}", ended.stderr);
        let goes_on = "interrupted: the deployment of web:8 (ecs-svc/8) goes on in ECS without being watched";
        if form == "--output=json" {
            assert_eq!(ended.document()["outcome"], "interrupted");
        } else {
            assert!(ended.stderr.contains(goes_on), "{}", ended.stderr);
        }
        assert_eq!(stage.aws.received_of("UpdateService").len(), 1, "nothing is taken back");
    }
}
