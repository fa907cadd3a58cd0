//! Names of regions, partitions and registry hosts. ECR's API, its registries and ARNs all differ by partition
//! (China, GovCloud, the European Sovereign Cloud, the isolated ones); nothing here is hard-wired to `aws`.
//! The grammar of registry hosts is the one that Amazon's own credential helper accepts.

/// Where Amazon's public gallery lives.
pub const PUBLIC_REGISTRY: &str = "public.ecr.aws";

/// What the name of a private ECR registry says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EcrHost {
    /// Twelve digits.
    pub account: String,
    pub region: String,
    pub fips: bool,
    /// Reached by IPv4 and IPv6 (`dkr-ecr … on.aws`).
    pub dual_stack: bool,
}

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

const DUAL_STACK_DOMAINS: [&str; 2] = ["on.aws", "on.amazonwebservices.com.cn"];

fn partition_of(region: &str) -> &'static Partition {
    PARTITIONS.iter().find(|p| region.starts_with(p.prefix)).expect("the last prefix is empty")
}

/// The second word of an ARN: `aws`, `aws-cn`, …
pub fn partition(region: &str) -> &'static str {
    partition_of(region).name
}

/// The account's private registry; `domain` overrides what the region implies.
pub fn registry_host(account: &str, region: &str, domain: Option<&str>) -> String {
    let domain = domain.filter(|d| !d.is_empty()).unwrap_or_else(|| partition_of(region).domain);
    format!("{account}.dkr.ecr.{region}.{domain}")
}

/// Takes a private registry's host name apart; `None` for every other host.
pub fn is_ecr_host(host: &str) -> Option<EcrHost> {
    let (account, rest) = host.split_at_checked(12).filter(|(a, _)| a.bytes().all(|b| b.is_ascii_digit()))?;
    let rest = rest.strip_prefix(".dkr")?;
    let dual_stack = rest.starts_with('-');
    let rest = rest.strip_prefix(['.', '-'])?.strip_prefix("ecr")?;
    let (fips, rest) = match rest.strip_prefix("-fips") {
        Some(rest) => (true, rest),
        None => (false, rest),
    };
    let (region, domain) = rest.strip_prefix('.')?.split_once('.')?;
    let known = PARTITIONS.iter().any(|p| p.domain == domain) || DUAL_STACK_DOMAINS.contains(&domain);
    let found = || EcrHost { account: account.to_owned(), region: region.to_owned(), fips, dual_stack };
    (known && is_region(region)).then(found)
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
            let found = is_ecr_host(wanted).map(|host| host.region);
            assert_eq!(found.as_deref(), domain.is_none_or(str::is_empty).then_some(region));
        }
        assert_eq!((partition("us-gov-east-1"), partition("us-east-1")), ("aws-us-gov", "aws"));
    }

    #[test]
    fn ecr_host_is_taken_apart() {
        for (host, fips, dual_stack) in [
            ("123456789012.dkr.ecr.eu-west-1.amazonaws.com", false, false),
            ("123456789012.dkr.ecr-fips.eu-west-1.amazonaws.com", true, false),
            ("123456789012.dkr-ecr.eu-west-1.on.aws", false, true),
            ("123456789012.dkr-ecr-fips.eu-west-1.on.aws", true, true),
            ("123456789012.dkr.ecr.eu-west-1.amazonaws.eu", false, false),
        ] {
            let wanted = EcrHost { account: "123456789012".into(), region: "eu-west-1".into(), fips, dual_stack };
            assert_eq!(is_ecr_host(host), Some(wanted), "{host}");
        }
    }

    #[test]
    fn ecr_host_lookalikes_are_not_taken() {
        for host in [
            "",
            PUBLIC_REGISTRY,
            "docker.io",
            "12345678901.dkr.ecr.eu-west-1.amazonaws.com",
            "1234567890123.dkr.ecr.eu-west-1.amazonaws.com",
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com.evil.test",
            "123456789012.dkr.ecr.EU.amazonaws.com",
            "123456789012.dkr.ecr.amazonaws.com",
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com:5000",
            "ééé456789012.dkr.ecr.eu-west-1.amazonaws.com",
        ] {
            assert_eq!(is_ecr_host(host), None, "{host}");
        }
    }
}
