//! Names of regions, partitions and registry hosts. ECR's API, its registries and ARNs all differ by partition
//! (China, GovCloud, the European Sovereign Cloud, the isolated ones); nothing here is hard-wired to `aws`.

/// Where Amazon's public gallery lives.
pub const PUBLIC_REGISTRY: &str = "public.ecr.aws";

struct Partition {
    name: &'static str,
    /// How its regions' names begin.
    prefix: &'static str,
    domain: &'static str,
}

/// The more special prefix comes first.
const PARTITIONS: [Partition; 8] = [
    Partition { name: "aws-cn", prefix: "cn-", domain: "amazonaws.com.cn" },
    Partition { name: "aws-us-gov", prefix: "us-gov-", domain: "amazonaws.com" },
    Partition { name: "aws-eusc", prefix: "eusc-", domain: "amazonaws.eu" },
    Partition { name: "aws-iso-b", prefix: "us-isob-", domain: "sc2s.sgov.gov" },
    Partition { name: "aws-iso-f", prefix: "us-isof-", domain: "csp.hci.ic.gov" },
    Partition { name: "aws-iso-e", prefix: "eu-isoe-", domain: "cloud.adc-e.uk" },
    Partition { name: "aws-iso", prefix: "us-iso-", domain: "c2s.ic.gov" },
    Partition { name: "aws", prefix: "", domain: "amazonaws.com" },
];

fn partition_of(region: &str) -> &'static Partition {
    PARTITIONS.iter().find(|p| region.starts_with(p.prefix)).expect("the last prefix is empty")
}

/// The second word of an ARN: `aws`, `aws-cn`, …
pub fn partition(region: &str) -> &'static str {
    partition_of(region).name
}

/// Where a service's API lives: `events` is `events.eu-central-1.amazonaws.com`. All the services used here have had
/// their FIPS endpoints under this one suffix, where they have any.
pub(super) fn api_host(service: &str, region: &str, fips: bool) -> String {
    let fips = if fips { "-fips" } else { "" };
    format!("{service}{fips}.{region}.{}", partition_of(region).domain)
}

/// The account's private registry; `domain` overrides what the region implies.
pub fn registry_host(account: &str, region: &str, domain: Option<&str>) -> String {
    let domain = domain.filter(|d| !d.is_empty()).unwrap_or_else(|| partition_of(region).domain);
    format!("{account}.dkr.ecr.{region}.{domain}")
}

/// Whether this could be a region's name (regions appear faster than releases of this program).
pub(super) fn is_region(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registry_host_follows_the_partition() {
        for (region, domain, wanted) in [
            ("eu-central-1", None, "123456789012.dkr.ecr.eu-central-1.amazonaws.com"),
            ("us-gov-west-1", None, "123456789012.dkr.ecr.us-gov-west-1.amazonaws.com"),
            ("cn-north-1", None, "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn"),
            ("eusc-de-east-1", None, "123456789012.dkr.ecr.eusc-de-east-1.amazonaws.eu"),
            ("us-isob-east-1", None, "123456789012.dkr.ecr.us-isob-east-1.sc2s.sgov.gov"),
            ("us-iso-east-1", Some(""), "123456789012.dkr.ecr.us-iso-east-1.c2s.ic.gov"),
            ("eu-west-1", Some("example.test"), "123456789012.dkr.ecr.eu-west-1.example.test"),
        ] {
            assert_eq!(registry_host("123456789012", region, domain), wanted);
        }
        assert_eq!((partition("us-gov-east-1"), partition("us-east-1")), ("aws-us-gov", "aws"));
    }
}
