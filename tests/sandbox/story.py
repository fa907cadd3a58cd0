"""Every operation of ECR and STS that the sandbox has, by boto3, as people use them; stops at the first surprise."""

import base64
import hashlib
import json
import sys
import time
import urllib.error
import urllib.request

import boto3
from botocore.exceptions import ClientError

ecr, sts = boto3.client("ecr"), boto3.client("sts")


def refused(code, call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error
        return error.response["Error"]["Message"]
    raise AssertionError(f"{code} was expected of {arguments}")


def digest(content):
    return "sha256:" + hashlib.sha256(content).hexdigest()


def upload(name, content):
    begun = ecr.initiate_layer_upload(repositoryName=name)
    ecr.upload_layer_part(repositoryName=name, uploadId=begun["uploadId"], partFirstByte=0,
                          partLastByte=len(content) - 1, layerPartBlob=content)
    done = ecr.complete_layer_upload(repositoryName=name, uploadId=begun["uploadId"], layerDigests=[digest(content)])
    assert done["layerDigest"] == digest(content)


def descriptor(kind, content):
    return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": digest(content), "size": len(content)}


def image(name, layer):
    config = json.dumps({"rootfs": {"type": "layers", "diff_ids": []}, "layer": layer.decode()}).encode()
    upload(name, config)
    upload(name, layer)
    return json.dumps({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": descriptor("config.v1+json", config), "layers": [descriptor("layer.v1.tar", layer)],
    })


def identities():
    assert sts.get_caller_identity()["Arn"].endswith(":user/sandbox")
    role = "arn:aws:iam::123456789012:role/ci/deploy"
    keys = sts.assume_role(RoleArn=role, RoleSessionName="job")["Credentials"]
    session = boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
    assert session.client("sts").get_caller_identity()["Arn"].endswith(":assumed-role/deploy/job")
    claims = base64.urlsafe_b64encode(b'{"sub": "project:web", "aud": ["sts.amazonaws.com"], "iss": "https://ci"}').decode().rstrip("=")
    web = sts.assume_role_with_web_identity(RoleArn=role, RoleSessionName="job", WebIdentityToken=f"e30.{claims}.x")
    assert web["SubjectFromWebIdentityToken"] == "project:web"
    refused("InvalidIdentityToken", sts.assume_role_with_web_identity, RoleArn=role, RoleSessionName="job",
            WebIdentityToken="nothing")


def repositories():
    made = ecr.create_repository(repositoryName="story/web", tags=[{"Key": "team", "Value": "a"}])["repository"]
    assert made["repositoryUri"].endswith("/story/web") and made["imageTagMutability"] == "MUTABLE"
    refused("RepositoryAlreadyExistsException", ecr.create_repository, repositoryName="story/web")
    refused("InvalidParameterException", ecr.create_repository, repositoryName="story//web")
    ecr.create_repository(
        repositoryName="story/fixed", imageTagMutability="IMMUTABLE_WITH_EXCLUSION",
        imageTagMutabilityExclusionFilters=[{"filterType": "WILDCARD", "filter": "latest*"}],
        imageScanningConfiguration={"scanOnPush": True}, encryptionConfiguration={"encryptionType": "KMS"},
    )
    for number in range(3):
        ecr.create_repository(repositoryName=f"story/many-{number}")
    pages = ecr.get_paginator("describe_repositories").paginate(PaginationConfig={"PageSize": 2})
    names = [repository["repositoryName"] for page in pages for repository in page["repositories"]]
    assert names == sorted(names) and len(names) == 5, names
    message = refused("RepositoryNotFoundException", ecr.describe_repositories, repositoryNames=["none"])
    assert message == "The repository with name 'none' does not exist in the registry with id '123456789012'"
    ecr.tag_resource(resourceArn=made["repositoryArn"], tags=[{"Key": "env", "Value": "b"}])
    ecr.untag_resource(resourceArn=made["repositoryArn"], tagKeys=["team"])
    assert ecr.list_tags_for_resource(resourceArn=made["repositoryArn"])["tags"] == [{"Key": "env", "Value": "b"}]
    ecr.put_image_scanning_configuration(repositoryName="story/web", imageScanningConfiguration={"scanOnPush": True})
    ecr.put_image_tag_mutability(repositoryName="story/many-0", imageTagMutability="IMMUTABLE")
    refused("InvalidParameterException", ecr.put_image_tag_mutability, repositoryName="story/many-0",
            imageTagMutability="IMMUTABLE_WITH_EXCLUSION")
    ecr.delete_repository(repositoryName="story/many-2")
    ecr.describe_registry()


def policies():
    policy = json.dumps({"Version": "2012-10-17", "Statement": []})
    refused("RepositoryPolicyNotFoundException", ecr.get_repository_policy, repositoryName="story/web")
    ecr.set_repository_policy(repositoryName="story/web", policyText=policy)
    assert ecr.get_repository_policy(repositoryName="story/web")["policyText"] == policy
    ecr.delete_repository_policy(repositoryName="story/web")
    refused("InvalidParameterException", ecr.set_repository_policy, repositoryName="story/web", policyText="{}")


def layers():
    refused("LayersNotFoundException", ecr.get_download_url_for_layer, repositoryName="story/web",
            layerDigest=digest(b"x"))
    upload("story/web", b"layer")
    refused("LayerAlreadyExistsException", upload, name="story/web", content=b"layer")
    refused("UploadNotFoundException", ecr.complete_layer_upload, repositoryName="story/web",
            uploadId="00000000-0000-0000-0000-000000000000", layerDigests=[digest(b"x")])
    begun = ecr.initiate_layer_upload(repositoryName="story/web")["uploadId"]
    refused("EmptyUploadException", ecr.complete_layer_upload, repositoryName="story/web", uploadId=begun,
            layerDigests=[digest(b"")])
    part = {"repositoryName": "story/web", "uploadId": begun, "layerPartBlob": b"ab"}
    refused("InvalidLayerPartException", ecr.upload_layer_part, partFirstByte=5, partLastByte=6, **part)
    ecr.upload_layer_part(partFirstByte=0, partLastByte=1, **part)
    ecr.upload_layer_part(partFirstByte=2, partLastByte=3, **part)
    refused("LayerPartTooSmallException", ecr.complete_layer_upload, repositoryName="story/web", uploadId=begun,
            layerDigests=[digest(b"abab")])
    found = ecr.batch_check_layer_availability(repositoryName="story/web",
                                               layerDigests=[digest(b"layer"), digest(b"x"), "odd"])
    assert [layer["layerAvailability"] for layer in found["layers"]] == ["AVAILABLE", "UNAVAILABLE"]
    assert found["failures"][0]["failureCode"] == "InvalidLayerDigest"
    link = ecr.get_download_url_for_layer(repositoryName="story/web", layerDigest=digest(b"layer"))["downloadUrl"]
    assert urllib.request.urlopen(link).read() == b"layer"


def images():
    first, second = image("story/web", b"one"), image("story/web", b"two")
    put = {"repositoryName": "story/web", "imageTag": "v1"}
    ecr.put_image(imageManifest=first, **put)
    refused("ImageAlreadyExistsException", ecr.put_image, imageManifest=first, **put)
    ecr.put_image(imageManifest=second, **put)
    ecr.put_image(repositoryName="story/web", imageManifest=second, imageTag="v2",
                  imageDigest=digest(second.encode()))
    refused("ImageDigestDoesNotMatchException", ecr.put_image, repositoryName="story/web", imageManifest=first,
            imageDigest=digest(b""))
    lacking = json.loads(first)
    lacking["layers"][0]["digest"] = digest(b"nowhere")
    refused("LayersNotFoundException", ecr.put_image, repositoryName="story/web", imageManifest=json.dumps(lacking))
    child = {"mediaType": json.loads(first)["mediaType"], "digest": digest(first.encode()), "size": len(first)}
    index = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [child]}
    ecr.put_image(repositoryName="story/web", imageManifest=json.dumps(index), imageTag="index")
    missing = json.dumps({**index, "manifests": [{**child, "digest": digest(b"nowhere")}]})
    refused("ReferencedImagesNotFoundException", ecr.put_image, repositoryName="story/web", imageManifest=missing)
    signature = json.loads(second) | {"artifactType": "a/signature", "subject": child}
    ecr.put_image(repositoryName="story/web", imageManifest=json.dumps(signature))
    referrers = ecr.list_image_referrers(repositoryName="story/web", subjectId={"imageDigest": child["digest"]})
    assert [referrer["artifactType"] for referrer in referrers["referrers"]] == ["a/signature"]

    detail = ecr.describe_images(repositoryName="story/web", imageIds=[{"imageTag": "v1"}])["imageDetails"][0]
    assert detail["imageTags"] == ["v1", "v2"] and detail["imageDigest"] == digest(second.encode())
    assert detail["imageSizeInBytes"] == 3 + json.loads(second)["config"]["size"]
    assert abs(detail["imagePushedAt"].timestamp() - time.time()) < 60
    refused("ImageNotFoundException", ecr.describe_images, repositoryName="story/web", imageIds=[{"imageTag": "no"}])
    pages = ecr.get_paginator("list_images").paginate(repositoryName="story/web", PaginationConfig={"PageSize": 1})
    listed = [found.get("imageTag") for page in pages for found in page["imageIds"]]
    assert sorted(filter(None, listed)) == ["index", "v1", "v2"] and len(listed) == 5, listed
    tagged = ecr.describe_images(repositoryName="story/web", filter={"tagStatus": "UNTAGGED"})["imageDetails"]
    assert len(tagged) == 2, tagged

    ids = [{"imageTag": "v2"}, {"imageTag": "no"}, {"imageDigest": digest(first.encode()), "imageTag": "v1"}, {}]
    got = ecr.batch_get_image(repositoryName="story/web", imageIds=ids)
    assert got["images"][0]["imageManifest"] == second
    codes = [failure["failureCode"] for failure in got["failures"]]
    assert codes == ["ImageNotFound", "ImageTagDoesNotMatchDigest", "MissingDigestAndTag"], codes
    gone = ecr.batch_delete_image(repositoryName="story/web", imageIds=[{"imageDigest": child["digest"]}])
    assert gone["failures"][0]["failureCode"] == "ImageReferencedByManifestList"
    ecr.batch_delete_image(repositoryName="story/web", imageIds=[{"imageTag": "v1"}])
    ecr.batch_delete_image(repositoryName="story/web", imageIds=[{"imageTag": "v2"}])
    refused("ImageNotFoundException", ecr.describe_images, repositoryName="story/web",
            imageIds=[{"imageDigest": digest(second.encode())}])
    refused("RepositoryNotEmptyException", ecr.delete_repository, repositoryName="story/web")


def fixed_tags():
    first, second = image("story/fixed", b"one"), image("story/fixed", b"two")
    for tag in ("v1", "latest-1"):
        ecr.put_image(repositoryName="story/fixed", imageManifest=first, imageTag=tag)
    ecr.put_image(repositoryName="story/fixed", imageManifest=second, imageTag="latest-1")
    message = refused("ImageTagAlreadyExistsException", ecr.put_image, repositoryName="story/fixed",
                      imageManifest=second, imageTag="v1")
    assert message.endswith("cannot be overwritten because the repository is immutable."), message


def lifecycle():
    selection = {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 1}
    rule = {"rulePriority": 1, "description": "keep one", "selection": selection, "action": {"type": "expire"}}
    policy = json.dumps({"rules": [rule]})
    refused("LifecyclePolicyNotFoundException", ecr.get_lifecycle_policy, repositoryName="story/fixed")
    refused("LifecyclePolicyPreviewNotFoundException", ecr.get_lifecycle_policy_preview, repositoryName="story/fixed")
    ecr.put_lifecycle_policy(repositoryName="story/fixed", lifecyclePolicyText=policy)
    assert ecr.get_lifecycle_policy(repositoryName="story/fixed")["lifecyclePolicyText"] == policy
    ecr.start_lifecycle_policy_preview(repositoryName="story/fixed")
    ecr.get_waiter("lifecycle_policy_preview_complete").wait(repositoryName="story/fixed")
    preview = ecr.get_lifecycle_policy_preview(repositoryName="story/fixed")
    assert [result["imageTags"] for result in preview["previewResults"]] == [["v1"]], preview
    assert preview["summary"]["expiringImageTotalCount"] == 1
    ecr.delete_lifecycle_policy(repositoryName="story/fixed")


def settings():
    assert ecr.get_account_setting(name="BLOB_MOUNTING")["value"] == "DISABLED"
    ecr.put_account_setting(name="BLOB_MOUNTING", value="ENABLED")
    assert ecr.get_account_setting(name="BLOB_MOUNTING")["value"] == "ENABLED"
    refused("ValidationException", ecr.get_account_setting, name="NOTHING")
    ecr.create_repository_creation_template(prefix="story/made", appliedFor=["CREATE_ON_PUSH"],
                                            imageTagMutability="IMMUTABLE")
    refused("TemplateAlreadyExistsException", ecr.create_repository_creation_template, prefix="story/made",
            appliedFor=["CREATE_ON_PUSH"])
    assert len(ecr.describe_repository_creation_templates()["repositoryCreationTemplates"]) == 1
    ecr.delete_repository_creation_template(prefix="story/made")
    refused("TemplateNotFoundException", ecr.delete_repository_creation_template, prefix="story/made")


def logins():
    data = ecr.get_authorization_token()["authorizationData"][0]
    assert 11.9 * 3600 < data["expiresAt"].timestamp() - time.time() <= 12 * 3600
    request = urllib.request.Request(data["proxyEndpoint"] + "/v2/")
    try:
        urllib.request.urlopen(request)
        raise AssertionError("nobody was logged in")
    except urllib.error.HTTPError as error:
        assert error.code == 401 and error.headers["WWW-Authenticate"].startswith("Basic realm="), error
    request.add_header("Authorization", "Basic " + data["authorizationToken"])
    assert urllib.request.urlopen(request).status == 200


def main():
    for chapter in (identities, repositories, policies, layers, images, fixed_tags, lifecycle, settings, logins):
        chapter()
        print(chapter.__name__)
    for name in ("story/web", "story/fixed"):
        ecr.delete_repository(repositoryName=name, force=True)


if __name__ == "__main__":
    sys.exit(main())
