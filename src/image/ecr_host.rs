//! What the name of an Amazon ECR registry says: account and region. Enough to ask the right account for a login,
//! and to name the permission that is missing, without knowing anything else of AWS. The grammar is the one that
//! Amazon's own credential helper accepts.

/// A private ECR registry, read off its host name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EcrHost {
    pub account: String,
    pub region: String,
}

/// Domains of the AWS partitions.
const DOMAINS: [&str; 9] = [
    "amazonaws.com",
    "amazonaws.com.cn",
    "amazonaws.eu",
    "on.aws",
    "on.amazonwebservices.com.cn",
    "sc2s.sgov.gov",
    "c2s.ic.gov",
    "cloud.adc-e.uk",
    "csp.hci.ic.gov",
];

impl EcrHost {
    /// `123456789012.dkr.ecr.eu-central-1.amazonaws.com`, its FIPS (`ecr-fips`) and dual-stack (`dkr-ecr`, `on.aws`)
    /// forms and those of the other partitions.
    pub fn parse(registry: &str) -> Option<EcrHost> {
        let (account, rest) = registry.split_once('.')?;
        let rest = rest.strip_prefix("dkr")?.strip_prefix(['.', '-'])?.strip_prefix("ecr")?;
        let (region, domain) = rest.strip_prefix("-fips").unwrap_or(rest).strip_prefix('.')?.split_once('.')?;
        let sane = account.len() == 12
            && account.bytes().all(|b| b.is_ascii_digit())
            && !region.is_empty()
            && region.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && DOMAINS.contains(&domain);
        sane.then(|| EcrHost { account: account.into(), region: region.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ecr_host_in_every_spelling() {
        for (host, region) in [
            ("123456789012.dkr.ecr.eu-central-1.amazonaws.com", "eu-central-1"),
            ("123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com", "us-gov-west-1"),
            ("123456789012.dkr-ecr.us-east-1.on.aws", "us-east-1"),
            ("123456789012.dkr-ecr-fips.us-east-1.on.aws", "us-east-1"),
            ("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", "cn-north-1"),
            ("123456789012.dkr.ecr.eusc-de-east-1.amazonaws.eu", "eusc-de-east-1"),
        ] {
            let expected = EcrHost { account: "123456789012".into(), region: region.into() };
            assert_eq!(EcrHost::parse(host), Some(expected), "{host}");
        }
    }

    #[test]
    fn ecr_host_look_alikes_are_not() {
        for host in [
            "public.ecr.aws",
            "docker.io",
            "127.0.0.1:5000",
            "",
            "12345678901.dkr.ecr.eu-central-1.amazonaws.com",
            "1234567890123.dkr.ecr.eu-central-1.amazonaws.com",
            "123456789012.dkr.ecr..amazonaws.com",
            "123456789012.dkr.ecr.eu-central-1.amazonaws.com.evil.example",
        ] {
            assert_eq!(EcrHost::parse(host), None, "{host}");
        }
    }
}
