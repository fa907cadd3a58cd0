//! One call of a service with the body exactly as given and the answer exactly as sent. A typed operation of the SDK
//! lends its pipeline (credentials, endpoint, signature, retries); its serializer and deserializer are replaced for
//! this call, so no typed structure ever drops a field it does not know.

use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeSerializationInterceptorContextRef, Error as ErasedError, Input, Output,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_runtime_api::client::ser_de::{
    DeserializeResponse, SerializeRequest, SharedRequestSerializer, SharedResponseDeserializer,
};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::error::ErrorMetadata;
use bytes::Bytes;
use serde_json::Value;

use super::error::Place;
use super::fault::Fault;
use super::{Answer, Error, time};

/// What the lending operation must hand back, or the SDK would not know its own.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lender {
    pub output: fn() -> Output,
    pub error: fn(ErrorMetadata) -> ErasedError,
}

/// What is sent, in one of AWS's protocols.
pub(super) struct Question {
    method: &'static str,
    /// Path and query, percent-encoded.
    uri: String,
    content_type: &'static str,
    /// The value of `X-Amz-Target`, in the JSON protocols.
    target: Option<String>,
    body: Bytes,
}

impl Question {
    /// JSON 1.1: the operation is named by a header.
    pub fn json(target: String, body: &Value) -> Question {
        let (content_type, body) = ("application/x-amz-json-1.1", body.to_string().into());
        Question { method: "POST", uri: "/".into(), content_type, target: Some(target), body }
    }

    /// REST JSON: the operation is a method and a path.
    pub fn rest(method: &'static str, uri: String, body: Option<&Value>) -> Question {
        let body = body.map(|body| body.to_string().into()).unwrap_or_default();
        Question { method, uri, content_type: "application/json", target: None, body }
    }

    /// Query: the operation is a field of a form.
    pub fn query(form: String) -> Question {
        let content_type = "application/x-www-form-urlencoded; charset=utf-8";
        Question { method: "POST", uri: "/".into(), content_type, target: None, body: form.into() }
    }
}

#[derive(Debug, Clone)]
pub(super) struct Exchange(Arc<Inner>);

struct Inner {
    question: Question,
    lender: Lender,
    answer: Mutex<Option<(Bytes, Option<SystemTime>)>>,
}

/// Bodies carry secrets (environment variables, registry tokens): they are never printed.
impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exchange").field("target", &self.question.target).finish_non_exhaustive()
    }
}

impl Exchange {
    pub fn new(question: Question, lender: Lender) -> Exchange {
        Exchange(Arc::new(Inner { question, lender, answer: Mutex::default() }))
    }

    /// What was answered to the attempt that succeeded, as it came.
    pub fn bytes(&self) -> (Bytes, Option<SystemTime>) {
        self.0.answer.lock().expect("exchange lock").take().unwrap_or_default()
    }

    /// The same, from a service that speaks JSON.
    pub fn answer(&self, place: Place) -> Result<Answer, Error> {
        let (body, date) = self.bytes();
        // Some operations answer success with nothing at all.
        let body = if body.is_empty() { Ok(Value::Null) } else { serde_json::from_slice(&body) };
        body.map(|body| Answer { body, date })
            .map_err(|why| Error::Answer { place: place.into(), why: why.to_string() })
    }
}

impl Intercept for Exchange {
    fn name(&self) -> &'static str {
        "Exchange"
    }

    fn read_before_execution(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        cfg.interceptor_state().store_put(SharedRequestSerializer::new(self.clone()));
        cfg.interceptor_state().store_put(SharedResponseDeserializer::new(self.clone()));
        Ok(())
    }
}

impl SerializeRequest for Exchange {
    fn serialize_input(&self, _: Input, _: &mut ConfigBag) -> Result<HttpRequest, BoxError> {
        let question = &self.0.question;
        let mut request = HttpRequest::new(SdkBody::from(question.body.clone()));
        request.set_method(question.method)?;
        request.set_uri(question.uri.as_str())?;
        let headers = request.headers_mut();
        // A signed header that the transport leaves out, as it does with the length of nothing, breaks the signature.
        if !question.body.is_empty() {
            headers.insert("content-type", question.content_type);
            headers.insert("content-length", question.body.len().to_string());
        }
        if let Some(target) = &question.target {
            headers.insert("x-amz-target", target.clone());
        }
        Ok(request)
    }
}

impl DeserializeResponse for Exchange {
    fn deserialize_nonstreaming_with_config(
        &self,
        response: &HttpResponse,
        _: &ConfigBag,
    ) -> Result<Output, OrchestratorError<ErasedError>> {
        if let Some(fault) = Fault::read(response) {
            let metadata = ErrorMetadata::builder().code(fault.code).message(fault.message).build();
            return Err(OrchestratorError::operation((self.0.lender.error)(metadata)));
        }
        let body = Bytes::copy_from_slice(response.body().bytes().unwrap_or_default());
        *self.0.answer.lock().expect("exchange lock") = Some((body, time::date(response)));
        Ok((self.0.lender.output)())
    }
}
