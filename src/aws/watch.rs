//! Looks over the SDK's shoulder during one call: tells each HTTP exchange and each retry as an event, and knows a few
//! more reasons to try again than the SDK does. What was asked and answered stays private: only the operation's name,
//! the host and the status are told.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextRef, InterceptorContext,
};
use aws_smithy_runtime_api::client::orchestrator::OrchestratorError;
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

use super::credentials::Keys;
use super::error::{Circumstances, Place};
use super::fault::Fault;
use super::time::{Time, is_timely};
use crate::clock::Clock;
use crate::report::{Event, Events};

/// Cheap to clone; all clones watch the same call.
#[derive(Debug, Clone)]
pub(super) struct Watch(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    place: Place,
    events: Events,
    /// The credentials in use, to be thrown away when the service calls them expired.
    keys: Option<Keys>,
    time: Time,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    host: String,
    attempts: u32,
    began: Option<SystemTime>,
    /// When the attempt says that it was signed: its `X-Amz-Date`.
    signed: Option<String>,
    /// Set between two attempts: why the last one failed.
    failed: Option<String>,
    /// The attempt after which the credentials were thrown away as expired: once in a call.
    renewed: Option<u32>,
}

const CLOCK: Clock = Clock::Real;

impl Watch {
    pub fn new(place: Place, events: Events, keys: Option<Keys>, time: Time) -> Watch {
        Watch(Arc::new(Inner { place, events, keys, time, state: Mutex::default() }))
    }

    pub fn place(&self) -> Place {
        let account = self.0.keys.as_ref().and_then(Keys::account);
        Place { account, ..self.0.place.clone() }
    }

    pub fn circumstances(&self) -> Circumstances {
        let profile = self.0.keys.as_ref().and_then(Keys::profile);
        let state = self.state();
        Circumstances { place: self.place(), host: state.host.clone(), attempts: state.attempts, profile }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.state.lock().expect("watch lock")
    }

    /// The next attempt, if there is one, fetches credentials anew.
    fn renew(&self, state: &mut State) {
        if let (Some(keys), None) = (&self.0.keys, state.renewed) {
            keys.forget();
            state.renewed = Some(state.attempts);
        }
    }
}

impl Intercept for Watch {
    fn name(&self) -> &'static str {
        "Watch"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let mut state = self.state();
        state.host = origin(context.request().uri());
        state.attempts += 1;
        state.failed = None;
        state.began = Some(CLOCK.now());
        state.signed = context.request().headers().get("x-amz-date").map(str::to_owned);
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let mut state = self.state();
        // Without a beginning nothing was sent: there were no credentials.
        let Some(began) = state.began.take() else { return Ok(()) };
        if let Some(response) = context.response() {
            self.0.time.learn(response, began, &self.0.events);
        }
        let status = context.response().map(|response| response.status().as_u16());
        let fault = context.response().and_then(Fault::read);
        if fault.as_ref().is_some_and(is_expiry) {
            self.renew(&mut state);
        }
        let connection = |error: &OrchestratorError<_>| error.as_connector_error().map(ToString::to_string);
        let failure = context.output_or_error().and_then(Result::err);
        state.failed = failure.map(|error| match fault {
            Some(fault) => fault.code,
            None => connection(error).unwrap_or_else(|| "no answer".into()),
        });
        let (method, url) = (self.0.place.operation.to_owned(), state.host.clone());
        let took = CLOCK.now().duration_since(began).unwrap_or_default();
        drop(state);
        self.0.events.emit(Event::Request { method, url, status, took });
        Ok(())
    }
}

/// `https://host:port`, without user, path and query.
fn origin(uri: &str) -> String {
    let (scheme, rest) = uri.split_once("://").unwrap_or(("http", uri));
    let host = rest.split(['/', '?']).next().unwrap_or_default();
    format!("{scheme}://{}", host.rsplit('@').next().unwrap_or_default())
}

impl ClassifyRetry for Watch {
    fn name(&self) -> &'static str {
        "Watch"
    }

    /// Asked more than once about one attempt: answers the same.
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let state = self.state();
        let response = context.response();
        let timely =
            || state.signed.as_deref().zip(response).is_some_and(|(signed, response)| is_timely(signed, response));
        match response.and_then(Fault::read) {
            // Where the clock is wrong, the SDK tries these again and again, as if that were the reason.
            Some(fault) if may_be_the_clocks(&fault) && timely() => RetryAction::RetryForbidden,
            Some(fault) if is_expiry(&fault) && state.renewed == Some(state.attempts) => RetryAction::client_error(),
            Some(fault) => passing(&fault),
            None => RetryAction::NoActionIndicated,
        }
    }
}

fn is_expiry(fault: &Fault) -> bool {
    fault.code.starts_with("ExpiredToken")
}

/// What AWS says to a signature of the wrong time, and to much else.
fn may_be_the_clocks(fault: &Fault) -> bool {
    fault.code.starts_with("AccessDenied")
        || ["InvalidSignatureException", "SignatureDoesNotMatch"].contains(&&*fault.code)
}

/// Faults that pass by themselves, though their status says that the caller is to blame.
fn passing(fault: &Fault) -> RetryAction {
    let says = |text: &str| fault.message.contains(text);
    match &*fault.code {
        // Parallel pipelines register revisions of one family.
        "ClientException" if says("Too many concurrent attempts") => RetryAction::throttling_error(),
        "ServerException" | "InternalFailure" | "InternalServerError" => RetryAction::server_error(),
        "IDPCommunicationError" => RetryAction::transient_error(),
        // STS says so too when the provider's keys could not be fetched in time.
        "InvalidIdentityToken" if says("retrieve verification key") => RetryAction::transient_error(),
        "HTTP 429" => RetryAction::throttling_error(),
        _ => RetryAction::NoActionIndicated,
    }
}

impl aws_sdk_sts::config::AsyncSleep for Watch {
    /// The SDK sleeps for its timeouts too; a retry it is only between two attempts.
    fn sleep(&self, wait: Duration) -> aws_sdk_sts::config::Sleep {
        if let Some(why) = self.state().failed.take() {
            let what = self.0.place.action();
            self.0.events.emit(Event::Retry { what, why, wait });
        }
        aws_sdk_sts::config::Sleep::new(async move { CLOCK.sleep(wait).await })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origin_has_no_path_and_no_query() {
        assert_eq!(origin("https://ecs.eu-west-1.amazonaws.com/?a=b"), "https://ecs.eu-west-1.amazonaws.com");
        assert_eq!(origin("http://127.0.0.1:5000/x"), "http://127.0.0.1:5000");
        assert_eq!(origin("http://host?token=1"), "http://host");
        assert_eq!(origin("http://user:secret@host/"), "http://host");
    }

    #[test]
    fn passing_faults_are_told_from_lasting_ones() {
        let action = |code: &str, message: &str| {
            let fault = Fault { code: code.into(), message: message.into(), status: 400, request_id: None };
            passing(&fault).should_retry()
        };
        assert!(action(
            "ClientException",
            "Too many concurrent attempts to create a new revision of the specified family."
        ));
        assert!(!action("ClientException", "Container.image should not be null or empty."));
        assert!(action("InvalidIdentityToken", "Couldn't retrieve verification key from your identity provider"));
        assert!(!action("InvalidIdentityToken", "Incorrect token audience"));
        assert!(!action("AccessDeniedException", ""));
    }
}
