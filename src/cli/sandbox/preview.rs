//! What `--dry-run` shows of `sandbox`: what would be started or stopped. It goes to people alone, since stdout is for
//! the shell that evaluates it.

use serde_json::json;

use super::{Request, found};
use crate::report::{Outcome, Report};
use crate::sandbox::{Error, Options};

/// Nothing for what changes nothing: that may as well be done.
pub fn report(request: &Request) -> Result<Option<Report>, Error> {
    let text = match request {
        Request::Serve(options) => format!("would start a sandbox {}", manner(options)),
        Request::Detach(home, _, words) => {
            let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
            format!(
                "would start a sandbox in {}, in the background: dockless {}",
                home.dir().display(),
                words.join(" ")
            )
        }
        Request::Run { options, command, .. } => {
            let words: Vec<_> = command.iter().map(|word| word.to_string_lossy()).collect();
            format!("would run `{}` with a sandbox {}", words.join(" "), manner(options))
        }
        Request::Stop(home) => {
            let running = found(home)?;
            format!("would stop the sandbox in {} (process {})", home.dir().display(), running.pid)
        }
        Request::Status(_) | Request::Logs(_) | Request::Env(_) => return Ok(None),
    };
    let document = json!({ "plan": text });
    Ok(Some(Report { outcome: Outcome::Planned, lines: vec![], document, exports: vec![], summary: text + "\n" }))
}

fn manner(options: &Options) -> String {
    let port = match options.port {
        0 => "a free port".to_owned(),
        port => format!("port {port}"),
    };
    let tasks = if options.run_tasks.is_some() { "really run" } else { "are simulated" };
    format!("on {port} of 127.0.0.1, in {}; tasks {tasks}", options.dir.display())
}
