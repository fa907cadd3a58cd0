//! CloudWatch Logs, as far as pipelines read it and tests write it: groups, streams, and the lines that containers
//! with the `awslogs` driver leave there. The book of all lines is pure and knows no time but the one it is told; a
//! journal keeps it. What is asked for in another form than AWS takes is refused in AWS's words.

mod book;
mod driver;
mod filter;
mod group;
mod input;
mod page;
mod put;
mod read;
mod store;
mod stream;
mod tail;

#[cfg(test)]
mod tests;

use serde_json::Value;

pub use book::{Book, Change, Event};
pub use driver::{Destination, destination};
pub use store::Store;
pub use tail::Tails;

use super::Refusal;

/// One request and what its answer is made of. What is to change comes back beside the answer.
pub struct Logs<'a> {
    pub book: &'a Book,
    pub account: &'a str,
    pub region: &'a str,
    /// Milliseconds since 1970, in which CloudWatch Logs counts.
    pub now: i64,
}

type Answer = Result<(Value, Vec<Change>), Refusal>;

impl Logs<'_> {
    pub fn call(&self, operation: &str, input: &Value) -> Answer {
        match operation {
            "CreateLogGroup" => self.create_group(input),
            "DeleteLogGroup" => self.delete_group(input),
            "DescribeLogGroups" => self.describe_groups(input),
            "CreateLogStream" => self.create_stream(input),
            "DescribeLogStreams" => self.describe_streams(input),
            "PutLogEvents" => self.put(input),
            "GetLogEvents" => self.get(input),
            "FilterLogEvents" => self.filter(input),
            _ => Err(Refusal::unknown_operation()),
        }
    }

    fn group_arn(&self, name: &str) -> String {
        format!("arn:aws:logs:{}:{}:log-group:{name}", self.region, self.account)
    }
}
