//! The API of EventBridge Scheduler: schedules, their groups, tags of groups. It speaks REST: where a member of a
//! request is (path, query or body) is known to `route`, the rest of the room sees one document. Names, errors and wording
//! are AWS's. Deciding is pure: the timetable and a request in, an answer and changes out.

mod group;
mod route;
mod schedule;

use serde_json::Value;

pub use route::Call;

use super::Refusal;
use super::timetable::{Answer, Input, Timetable};

/// One call.
pub struct Scheduler<'a> {
    pub account: &'a str,
    pub region: &'a str,
    pub table: &'a Timetable,
    /// Epoch seconds.
    pub now: f64,
}

const DEFAULT: &str = "default";

impl Scheduler<'_> {
    pub fn call(&self, operation: &str, input: &Value) -> Answer {
        let input = Input::new(input);
        match operation {
            "CreateSchedule" => self.create_schedule(input),
            "UpdateSchedule" => self.update_schedule(input),
            "GetSchedule" => self.get_schedule(input),
            "DeleteSchedule" => self.delete_schedule(input),
            "ListSchedules" => self.list_schedules(input),
            "CreateScheduleGroup" => self.create_group(input),
            "GetScheduleGroup" => self.get_group(input),
            "DeleteScheduleGroup" => self.delete_group(input),
            "ListScheduleGroups" => self.list_groups(input),
            "TagResource" => self.tag(input),
            "UntagResource" => self.untag(input),
            "ListTagsForResource" => self.tags(input),
            _ => Err(Refusal::unknown_operation()),
        }
    }

    fn arn(&self, resource: &str) -> String {
        format!("arn:aws:scheduler:{}:{}:{resource}", self.region, self.account)
    }
}

fn not_found(message: String) -> Refusal {
    Refusal::new("ResourceNotFoundException", message).with_status(404)
}

fn conflict(message: String) -> Refusal {
    Refusal::new("ConflictException", message).with_status(409)
}

/// The body of a refusal: its code is in a header, and the message begins in upper case.
pub fn refused(refusal: &Refusal) -> Value {
    serde_json::json!({ "Message": refusal.message })
}

/// Throttling has a status of its own here, and so has a want of rights.
pub fn status(refusal: &Refusal) -> u16 {
    match &*refusal.code {
        "ThrottlingException" => 429,
        "AccessDeniedException"
        | "ExpiredTokenException"
        | "InvalidSignatureException"
        | "MissingAuthenticationTokenException" => 403,
        _ => refusal.status,
    }
}
