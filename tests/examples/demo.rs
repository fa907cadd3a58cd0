//! `scripts/demo-pipeline`, as README has it: from source to a page that is served, changed while people read, and served
//! again, with nothing but dockless, Maven and a JDK.

use std::path::Path;
use std::process::Command;

use crate::support::record;
use crate::support::stack::Stack;

#[test]
fn demo_goes_from_source_to_a_served_page() {
    let Some(_stack) = Stack::running() else { return };
    let folder = super::root().join(std::env::var_os("DOCKLESS_TEST_STACK").unwrap());
    let ended = Command::new(env!("CARGO_BIN_EXE_dockless"))
        .args(["sandbox", "run", "--run-tasks"])
        .args(record::flag())
        .arg("--")
        .arg(super::root().join("scripts/demo-pipeline"))
        .env("DOCKLESS", Path::new(env!("CARGO_BIN_EXE_dockless")))
        .env("STACK", folder)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ended.stdout).into_owned() + &String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{said}");
    let wanted = ["Hello from a container", "Hello again", ", 0 of them failed", "4 processes beside this script"];
    wanted.iter().for_each(|part| assert!(said.contains(part), "{part}\n{said}"));
}
