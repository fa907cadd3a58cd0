//! What is typed and what is meant.

use clap::{CommandFactory, FromArgMatches, Parser};

use super::*;
use crate::cli::argv;
use crate::sandbox::Pace;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    sandbox: Sandbox,
}

fn request(words: &[&str]) -> Result<Request, Error> {
    let words = [&["sandbox"], words].concat();
    let found = argv::parser(Line::command()).try_get_matches_from(words).unwrap();
    let line = Line::from_arg_matches(&found).unwrap();
    let around = Surroundings { home: Some("/home/me".into()), program: Some("/bin/d".into()), ..Default::default() };
    line.sandbox.into_request(&around)
}

#[test]
fn start_without_flags_is_at_home_on_the_known_port() {
    let Request::Serve(options) = request(&["start"]).unwrap() else { panic!() };
    assert_eq!(options.dir, PathBuf::from("/home/me/.local/state/dockless/sandbox"));
    assert_eq!((options.port, options.pace, options.region.as_str()), (4711, Pace::Fast, "us-east-1"));
}

#[test]
fn start_detached_says_the_same_to_another_process() {
    let words = ["start", "--detach", "--dir", "/s", "--port", "0", "--clock", "real", "--ecr-strict"];
    let Request::Detach(home, program, words) = request(&words).unwrap() else { panic!() };
    assert_eq!((home.dir().to_str(), program.to_str()), (Some("/s"), Some("/bin/d")));
    let again: Vec<&str> = words[1..].iter().map(|word| word.to_str().unwrap()).collect();
    let Request::Serve(options) = request(&again).unwrap() else { panic!() };
    assert_eq!((options.dir.to_str(), options.port), (Some("/s"), 0));
    assert_eq!((options.pace, options.ecr_strict), (Pace::Real, true));
}

#[test]
fn run_has_a_directory_that_goes_away_unless_kept() {
    let Request::Run { options, temporary, command } = request(&["run", "--", "sh", "-c", "x"]).unwrap() else {
        panic!()
    };
    assert_eq!((options.port, command.len()), (0, 3));
    assert_eq!(temporary.unwrap().path(), options.dir);
    let Request::Run { temporary, .. } = request(&["run", "--keep", "/k", "--", "sh"]).unwrap() else { panic!() };
    assert!(temporary.is_none());
}

#[test]
fn faults_that_cannot_be_read_are_refused_at_once() {
    assert!(matches!(request(&["start", "--faults", "/none"]), Err(Error::Faults { .. })));
}
