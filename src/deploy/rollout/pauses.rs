//! PAUSE hooks: each is told of once, with the commands that answer it. The time that passes until then counts
//! like any other: a CI job has to end.

use super::Charge;
use super::conclude::answer;
use crate::deploy::edit::short;
use crate::deploy::snapshot::{Pause, Record};
use crate::deploy::wait::OnPause;

#[derive(Default)]
pub struct Pauses {
    told: Vec<String>,
}

impl Pauses {
    pub fn tell(&mut self, record: &Record, charge: &Charge) {
        for pause in &record.pauses {
            if self.told.contains(&pause.hook) {
                continue;
            }
            let stage = record.stage.as_deref().unwrap_or("a lifecycle hook");
            let name = short(charge.revision);
            let text = format!("{name} is paused at {stage} and waits for an answer{}", otherwise(pause));
            let answer = answer(charge.deploy);
            // Where it is left so, the verdict says how.
            let waits = charge.wait.on_pause == OnPause::Wait;
            charge.events.warn(text, waits.then(|| format!("Answer with `{answer}` or `{answer} --rollback`.")));
            self.told.push(pause.hook.clone());
        }
    }
}

/// `, else ECS rolls back at 2026-01-31T12:00:00Z`
fn otherwise(pause: &Pause) -> String {
    let at = pause.expires_at.and_then(|seconds| jiff::Timestamp::from_second(seconds as i64).ok());
    let Some(at) = at else { return String::new() };
    let does = if pause.otherwise == "CONTINUE" { "goes on" } else { "rolls back" };
    format!(", else ECS {does} at {at}")
}
