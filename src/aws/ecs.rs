//! ECS: one call for every operation that is used, JSON as it comes and goes. Repeating a call whose answer was lost
//! is safe for all of them. A second `RegisterTaskDefinition` leaves an unused revision behind, and the revision
//! that is answered is the one to deploy; a second `UpdateService` starts a deployment of the same content, which
//! replaces the first; `CreateService` and `RunTask` are protected by a `clientToken` in their bodies.

use aws_sdk_ecs::operation::list_clusters::{ListClustersError, ListClustersOutput};
use aws_smithy_runtime_api::client::interceptors::context::{Error as ErasedError, Output};
use serde_json::Value;

use super::error::Place;
use super::exchange::{Exchange, Lender, Question};
use super::{Answer, Error, Session};

/// What the API calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    ContinueServiceDeployment,
    CreateService,
    DescribeClusters,
    DescribeServiceDeployments,
    DescribeServiceRevisions,
    DescribeServices,
    DescribeTaskDefinition,
    DescribeTasks,
    ListServiceDeployments,
    ListServices,
    ListTasks,
    RegisterTaskDefinition,
    RunTask,
    StopServiceDeployment,
    StopTask,
    TagResource,
    UpdateService,
}

impl Operation {
    pub fn name(self) -> &'static str {
        match self {
            Operation::ContinueServiceDeployment => "ContinueServiceDeployment",
            Operation::CreateService => "CreateService",
            Operation::DescribeClusters => "DescribeClusters",
            Operation::DescribeServiceDeployments => "DescribeServiceDeployments",
            Operation::DescribeServiceRevisions => "DescribeServiceRevisions",
            Operation::DescribeServices => "DescribeServices",
            Operation::DescribeTaskDefinition => "DescribeTaskDefinition",
            Operation::DescribeTasks => "DescribeTasks",
            Operation::ListServiceDeployments => "ListServiceDeployments",
            Operation::ListServices => "ListServices",
            Operation::ListTasks => "ListTasks",
            Operation::RegisterTaskDefinition => "RegisterTaskDefinition",
            Operation::RunTask => "RunTask",
            Operation::StopServiceDeployment => "StopServiceDeployment",
            Operation::StopTask => "StopTask",
            Operation::TagResource => "TagResource",
            Operation::UpdateService => "UpdateService",
        }
    }
}

#[derive(Debug, Clone)]
pub struct Ecs {
    client: aws_sdk_ecs::Client,
    session: Session,
}

impl Session {
    pub fn ecs(&self) -> Ecs {
        Ecs { client: aws_sdk_ecs::Client::new(&self.config), session: self.clone() }
    }
}

/// `ListClusters` has no required member and no special handling: it lends its pipeline to all the others.
pub(super) const LENDER: Lender = Lender {
    output: || Output::erase(ListClustersOutput::builder().build()),
    error: |metadata| ErasedError::erase(ListClustersError::generic(metadata)),
};

impl Ecs {
    /// What its calls are made with, for those to other services.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Sends `body` as it is and answers what came back, every field of it.
    pub async fn call(&self, operation: Operation, body: Value) -> Result<Answer, Error> {
        let region = self.session.region().to_owned();
        let place = Place { service: "ecs", operation: operation.name(), region, account: None };
        let watch = self.session.watch(place);
        let target = format!("AmazonEC2ContainerServiceV20141113.{}", operation.name());
        let exchange = Exchange::new(Question::json(target, &body), LENDER);
        watched!(aws_sdk_ecs, self.client.list_clusters(), watch, exchange)?;
        exchange.answer(watch.place())
    }
}
