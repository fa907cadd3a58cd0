//! Clusters and tags.

use serde_json::json;

use super::Stage;
use crate::sandbox::ecs::Plane;

#[test]
fn cluster_lives_and_is_refused_its_end_while_in_use() {
    let mut stage = Stage::with_service(1, json!({}));
    stage.call(
        "CreateCluster",
        json!({ "clusterName": "prod", "settings": [{ "name": "containerInsights", "value": "enabled" }] }),
    );
    let all =
        stage.call("DescribeClusters", json!({ "clusters": ["prod", "default", "none"], "include": ["STATISTICS"] }));
    assert_eq!((all["clusters"].as_array().unwrap().len(), &all["failures"][0]["reason"]), (2, &json!("MISSING")));
    assert_eq!(
        (&all["clusters"][1]["runningTasksCount"], &all["clusters"][1]["activeServicesCount"]),
        (&json!(1), &json!(1))
    );
    assert!(
        stage.refusal("DeleteCluster", json!({ "cluster": "default" })).starts_with("ClusterContainsServicesException")
    );
    let gone = stage.call("DeleteCluster", json!({ "cluster": "prod" }));
    assert_eq!(gone["cluster"]["status"], "INACTIVE");
    assert_eq!(stage.call("ListClusters", json!({}))["clusterArns"].as_array().unwrap().len(), 1);
}

#[test]
fn default_cluster_is_there_until_it_is_deleted() {
    let mut stage = Stage::new();
    let arns = stage.call("ListClusters", json!({}))["clusterArns"].clone();
    assert_eq!(arns, json!(["arn:aws:ecs:eu-west-1:111122223333:cluster/default"]));
    stage.call("DeleteCluster", json!({ "cluster": "default" }));
    stage.plane = Plane::restore(stage.plane.documents()).unwrap();
    assert_eq!(stage.call("DescribeClusters", json!({}))["clusters"][0]["status"], "INACTIVE");
    assert!(stage.refusal("ListServices", json!({})).contains("The referenced cluster was inactive."));
    stage.call("CreateCluster", json!({}));
    assert_eq!(stage.call("ListServices", json!({}))["serviceArns"], json!([]));
}

#[test]
fn tags_are_set_read_and_taken_off() {
    let mut stage = Stage::with_service(1, json!({}));
    let definition = stage.service()["taskDefinition"].clone();
    let cluster = stage.service()["clusterArn"].clone();
    let service = stage.service()["serviceArn"].clone();
    let task = stage.tasks("RUNNING")[0]["taskArn"].clone();
    for arn in [definition, cluster, service, task] {
        let tags = json!([{ "key": "a", "value": "1" }, { "key": "b", "value": "2" }]);
        stage.call("TagResource", json!({ "resourceArn": arn, "tags": tags }));
        stage.call("TagResource", json!({ "resourceArn": arn, "tags": [{ "key": "a", "value": "3" }] }));
        stage.call("UntagResource", json!({ "resourceArn": arn, "tagKeys": ["b"] }));
        let left = stage.call("ListTagsForResource", json!({ "resourceArn": arn }));
        assert_eq!(left["tags"], json!([{ "key": "a", "value": "3" }]), "{arn}");
    }
    let reserved = json!({ "resourceArn": stage.service()["serviceArn"], "tags": [{ "key": "aws:x", "value": "" }] });
    assert!(stage.refusal("TagResource", reserved).contains("aws: prefixed"));
}
