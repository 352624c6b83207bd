//! The ARN of an API method: `arn:aws:execute-api:REGION:ACCOUNT:API/STAGE/METHOD/PATH`.

use crate::shape::ShapeError;

/// Longest ARN in a policy, in bytes.
const MAX_BYTES: usize = 512;

/// A parsed ARN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MethodArn {
    whole: String,
    /// The offset of the end of the stage.
    stage_end: usize,
    method: String,
    /// With a leading slash.
    path: String,
}

impl MethodArn {
    pub(super) fn read(whole: &str) -> Result<Self, ShapeError> {
        let wrong = ShapeError::Arn;
        let mut parts = whole.splitn(6, ':');
        let names = [parts.next(), parts.next(), parts.next()];
        let [Some("arn"), Some(partition), Some("execute-api")] = names else {
            return Err(wrong);
        };
        let [Some(_region), Some(_account), Some(resource)] =
            [parts.next(), parts.next(), parts.next()]
        else {
            return Err(wrong);
        };
        let mut parts = resource.splitn(4, '/');
        let [Some(api), Some(stage), Some(method), path] =
            [parts.next(), parts.next(), parts.next(), parts.next()]
        else {
            return Err(wrong);
        };
        let has_wildcard = |text: &str| text.contains(['*', '?']);
        if [partition, api, stage, method]
            .iter()
            .any(|part| part.is_empty() || has_wildcard(part))
        {
            return Err(wrong);
        }
        let path = path.unwrap_or_default();
        let tail = method.len() + path.len() + usize::from(resource.matches('/').count() > 2);
        Ok(Self {
            stage_end: whole.len().checked_sub(tail).ok_or(wrong)?,
            whole: whole.to_owned(),
            method: method.to_owned(),
            path: format!("/{path}"),
        })
    }

    pub(super) fn method(&self) -> &str {
        &self.method
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// The ARN, if it matches only itself in a policy: without wildcards or policy variables, and not too
    /// long.
    pub(super) fn exact(&self) -> Option<&str> {
        let is_literal = !self.whole.contains(['*', '?']) && !self.whole.contains("${");
        (is_literal && self.whole.len() <= MAX_BYTES).then_some(self.whole.as_str())
    }

    /// A pattern for every method of the stage, for a denial that must not depend on the spelling of the
    /// path.
    pub(super) fn whole_stage(&self) -> String {
        let stage = self.whole.get(..self.stage_end).unwrap_or_default();
        format!("{stage}*")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns_are_parsed() {
        let head = "arn:aws:execute-api:eu-west-1:123456789012:abc123/prod";
        let table = [
            (
                "GET/courses/a:b.mp4",
                Some(("GET", "/courses/a:b.mp4", true)),
            ),
            ("GET/", Some(("GET", "/", true))),
            ("GET", Some(("GET", "/", true))),
            ("GET/a*", Some(("GET", "/a*", false))),
            ("GET/a?", Some(("GET", "/a?", false))),
            (
                "GET/${aws:username}",
                Some(("GET", "/${aws:username}", false)),
            ),
            // No policy variable: they have braces.
            ("GET/a$b{c}$", Some(("GET", "/a$b{c}$", true))),
            ("*/a", None),
            ("/a", None),
        ];
        for (tail, expect) in table {
            let arn = MethodArn::read(&format!("{head}/{tail}"));
            let parts = arn.as_ref().ok();
            let found = parts.map(|arn| (arn.method(), arn.path(), arn.exact().is_some()));
            assert_eq!(found, expect, "{tail}");
            if let Some(arn) = parts {
                assert_eq!(arn.whole_stage(), format!("{head}/*"), "{tail}");
            }
        }
        // The stage that HTTP APIs have by default.
        let arn = "arn:aws:execute-api:eu-west-1:123456789012:abc123/$default/GET/a";
        assert_eq!(MethodArn::read(arn).unwrap().exact(), Some(arn));
        let long = format!("{head}/GET/{}", "a".repeat(MAX_BYTES));
        assert_eq!(MethodArn::read(&long).unwrap().exact(), None);
        for wrong in [
            "",
            "arn:aws:s3:::bucket/a/b/c",
            "arn:aws:execute-api:eu-west-1:123456789012:abc123/prod",
            "arn:aws:execute-api:eu-west-1:123456789012:abc123/*/GET/a",
            "arn:aws:execute-api:eu-west-1:123456789012",
        ] {
            assert_eq!(MethodArn::read(wrong), Err(ShapeError::Arn), "{wrong}");
        }
    }
}
