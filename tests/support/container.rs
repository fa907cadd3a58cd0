//! A container that runs an image with nothing around it but its own loopback; podman's settings are the stack's.

use std::process::Command;
use std::time::{Duration, Instant};

use super::docker_registry::{program, run};
use super::stack::Stack;

/// Ends, and is removed, with this value.
pub struct Container<'a> {
    stack: &'a Stack,
    id: String,
}

pub fn podman(stack: &Stack) -> Command {
    let mut command = program("podman");
    for name in ["CONTAINERS_CONF", "CONTAINERS_STORAGE_CONF", "CONTAINERS_REGISTRIES_CONF"] {
        command.env(name, &stack[name]);
    }
    command
}

impl<'a> Container<'a> {
    /// Runs the image's own entrypoint; `options` are podman's, such as `--env`.
    pub fn start(stack: &'a Stack, image: &str, options: &[&str]) -> Container<'a> {
        let flags = ["run", "--detach", "--quiet", "--network", "none"];
        let id = run(podman(stack).args(flags).args(options).arg(image));
        Container { stack, id: id.trim().to_owned() }
    }

    /// Gets a page from within the container's network, as soon as somebody listens there.
    pub fn page(&self, url: &str) -> String {
        let pid = self.inspect("{{.State.Pid}}");
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_secs(60) {
            let curl = ["-n", "-t", &pid, "curl", "-fsS", "--max-time", "5", url];
            let output = program("nsenter").args(curl).output().expect("nsenter: scripts/test installs it");
            if output.status.success() {
                return String::from_utf8(output.stdout).expect("UTF-8");
            }
            if self.inspect("{{.State.Running}}") != "true" {
                break;
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        let logs = podman(self.stack).args(["logs", &self.id]).output().expect("podman");
        panic!("no page: {}{}", String::from_utf8_lossy(&logs.stdout), String::from_utf8_lossy(&logs.stderr));
    }

    pub fn inspect(&self, format: &str) -> String {
        run(podman(self.stack).args(["inspect", "--format", format, &self.id])).trim().to_owned()
    }
}

impl Drop for Container<'_> {
    fn drop(&mut self) {
        podman(self.stack).args(["rm", "--force", "--time", "1", &self.id]).output().ok();
    }
}
