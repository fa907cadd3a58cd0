//! A request's signature, as far as it is read. AWS takes one for five minutes before and after the time that it
//! bears, by its own clock; beyond, the words of its refusal are the same in every service.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::sandbox::Refusal;

/// Seconds for which a signature is good, before its time and after.
const LIFE: i64 = 300;

/// How `X-Amz-Date` is written.
const FORM: &str = "%Y%m%dT%H%M%SZ";

/// What a signature's credential scope says, and when it was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    pub access_key: String,
    pub region: String,
    pub service: String,
    /// None if the request does not say.
    pub date: Option<Timestamp>,
}

impl Signature {
    /// Out of the headers `Authorization`, which is
    /// `AWS4-HMAC-SHA256 Credential=KEY/20260102/us-east-1/ecr/aws4_request, …`, and `X-Amz-Date`.
    pub fn read(authorization: &str, date: Option<&str>) -> Option<Self> {
        let rest = authorization.strip_prefix("AWS4-HMAC-SHA256")?;
        let credential = rest.split(',').find_map(|part| part.trim().strip_prefix("Credential="))?;
        let mut parts = credential.rsplit('/');
        let (end, service, region, _date) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let access_key = parts.rev().collect::<Vec<_>>().join("/");
        let whole = end == "aws4_request" && !access_key.is_empty();
        let date = date.and_then(|text| DateTime::strptime(FORM, text).ok()?.to_zoned(TimeZone::UTC).ok());
        let date = date.map(|date| date.timestamp());
        whole.then(|| Signature { access_key, region: region.into(), service: service.into(), date })
    }

    /// Refuses one that was made too long ago, or is to be made only later. `now` is what the server's clock shows.
    pub fn check_age(&self, now: f64) -> Result<(), Refusal> {
        let (Some(date), now) = (self.date, now as i64) else { return Ok(()) };
        let (written, made) =
            (|second| Timestamp::from_second(second).unwrap_or_default().strftime(FORM), date.as_second());
        let message = if made < now - LIFE {
            let (date, bound, now) = (written(made), written(now - LIFE), written(now));
            format!("Signature expired: {date} is now earlier than {bound} ({now} - 5 min.)")
        } else if made > now + LIFE {
            let (date, bound, now) = (written(made), written(now + LIFE), written(now));
            format!("Signature not yet current: {date} is still later than {bound} ({now} + 5 min.)")
        } else {
            return Ok(());
        };
        Err(Refusal::new("InvalidSignatureException", message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str =
        "AWS4-HMAC-SHA256 Credential=AKIA1/20260102/eu-west-1/ecr/aws4_request, SignedHeaders=host, Signature=00";

    #[test]
    fn signature_is_read_from_its_headers() {
        let signature = Signature::read(HEADER, Some("20260102T030405Z")).unwrap();
        assert_eq!(
            (signature.access_key.as_str(), signature.region.as_str(), signature.service.as_str()),
            ("AKIA1", "eu-west-1", "ecr")
        );
        assert_eq!(signature.date.unwrap().to_string(), "2026-01-02T03:04:05Z");
        assert_eq!(Signature::read(HEADER, Some("yesterday")).unwrap().date, None);
    }

    #[test]
    fn signature_of_other_headers_is_none() {
        for header in ["", "Basic QVdTOng=", "AWS4-HMAC-SHA256 Credential=/1/2/3/aws4_request", "AWS4-HMAC-SHA256 x"] {
            assert_eq!(Signature::read(header, None), None, "{header}");
        }
    }

    #[test]
    fn signature_is_good_for_five_minutes_either_way() {
        let signature = Signature::read(HEADER, Some("20260102T030405Z")).unwrap();
        let made = signature.date.unwrap().as_second() as f64;
        let refused = |now: f64| signature.check_age(now).err().map(|refusal| refusal.message);
        assert_eq!([refused(made - 300.0), refused(made), refused(made + 300.9)], [None, None, None]);
        assert_eq!(
            refused(made + 3600.0).unwrap(),
            "Signature expired: 20260102T030405Z is now earlier than 20260102T035905Z (20260102T040405Z - 5 min.)"
        );
        assert_eq!(
            refused(made - 3600.0).unwrap(),
            "Signature not yet current: 20260102T030405Z is still later than 20260102T020905Z (20260102T020405Z + 5 min.)"
        );
    }
}
