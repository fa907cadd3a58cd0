//! What a container runs, what it and the task may use, and the task's roles.

#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

use super::{Change, Editor, What};
use crate::deploy::Error;
use crate::deploy::updates::{CommandUpdate, Size, SizeUpdate, Updates};

/// CPU units of a Fargate task with the MiB that go with them: from, to, step. From ECS's developer guide,
/// "Fargate task definition differences", as of 2026. Other units are left to ECS, which may know more by then.
const FARGATE: [(u64, u64, u64, u64); 7] = [
    (256, 512, 2048, 0),
    (512, 1024, 4096, 1024),
    (1024, 2048, 8192, 1024),
    (2048, 4096, 16384, 1024),
    (4096, 8192, 30720, 1024),
    (8192, 16384, 61440, 4096),
    (16384, 32768, 122_880, 8192),
];

impl Editor {
    pub fn command(&mut self, update: &CommandUpdate) -> Result<(), Error> {
        let container = self.container(update.origin, &update.container)?;
        let spelled = |words: &Value| words.as_array().filter(|words| !words.is_empty()).map(|_| words.to_string());
        let old = container.get("command").and_then(spelled);
        let words = Value::from(update.words.clone());
        let new = spelled(&words);
        match new {
            Some(_) => drop(container.insert("command".into(), words)),
            None => drop(container.shift_remove("command")),
        }
        self.changed(&update.container, What::Command, old, new);
        Ok(())
    }

    /// A container's size is a number, the task's is text.
    pub fn size(&mut self, update: &SizeUpdate) -> Result<(), Error> {
        let (slot, value) = match &update.container {
            Some(container) => (self.container(update.origin, container)?, update.amount.into()),
            None => (&mut self.body, update.amount.to_string().into()),
        };
        let spelled = |value: Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let old = slot.insert(update.size.member().into(), value).filter(|old| !old.is_null()).map(spelled);
        let what = if update.size == Size::Cpu { What::Cpu } else { What::Memory };
        let new = Some(update.amount.to_string());
        self.changes.push(Change { container: update.container.clone(), what, old, new, secret: false });
        Ok(())
    }

    pub fn roles(&mut self, updates: &Updates) {
        self.role("taskRoleArn", What::TaskRole, updates.task_role.as_ref());
        self.role("executionRoleArn", What::ExecutionRole, updates.execution_role.as_ref());
    }

    /// A role given by its name is the one whose ARN ends in it.
    fn role(&mut self, member: &str, what: What, wanted: Option<&String>) {
        let Some(wanted) = wanted else { return };
        let old = self.body.get(member).and_then(Value::as_str).map(str::to_owned);
        if old.as_ref().is_some_and(|old| old.rsplit('/').next() == Some(wanted)) {
            return;
        }
        self.body.insert(member.into(), wanted.clone().into());
        self.changes.push(Change { container: None, what, old, new: Some(wanted.clone()), secret: false });
    }
}

/// Fargate runs some sizes only. ECS says so late and vaguely.
pub fn check_fargate(body: &Map<String, Value>) -> Result<(), Error> {
    let fargate = |kinds: &Vec<Value>| kinds.iter().any(|kind| kind == "FARGATE");
    if !body.get("requiresCompatibilities").and_then(Value::as_array).is_some_and(fargate) {
        return Ok(());
    }
    let number = |size: Size| body.get(size.member()).and_then(Value::as_str).and_then(|text| text.parse::<u64>().ok());
    let (Some(cpu), Some(memory)) = (number(Size::Cpu), number(Size::Memory)) else { return Ok(()) };
    match FARGATE.into_iter().find(|(units, ..)| *units == cpu) {
        Some((_, from, to, step)) if !fits(memory, from, to, step) => {
            let why = format!("Fargate has no task of {cpu} CPU units and {memory} MiB");
            let every = if step == 0 { "doubling".to_owned() } else { format!("in steps of {step}") };
            Err(Error::input("cpu and memory", why, format!("With {cpu} units it is {from} to {to} MiB, {every}.")))
        }
        // Larger ones may come; between those there are, none will.
        None if cpu < FARGATE[FARGATE.len() - 1].0 => {
            let sizes = FARGATE.map(|(units, ..)| units.to_string()).join(", ");
            Err(Error::input("cpu", format!("Fargate has no task of {cpu} CPU units"), format!("It has {sizes}.")))
        }
        _ => Ok(()),
    }
}

/// A step of 0 is doubling.
fn fits(memory: u64, from: u64, to: u64, step: u64) -> bool {
    let reached = match step {
        0 => memory.is_multiple_of(from) && (memory / from).is_power_of_two(),
        step => memory.checked_sub(from).is_some_and(|above| above.is_multiple_of(step)),
    };
    reached && (from..=to).contains(&memory)
}
