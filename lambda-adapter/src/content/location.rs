//! The path that a request is for.

use super::From;
use crate::http::HttpRequest;
use crate::raw_path;

/// The query parameter that names a file.
const PARAMETER: &str = "fn";

/// Returns the requested raw path, or `None` if the request has none or several.
pub(crate) fn locate(request: &HttpRequest, from: From, base_path: &str) -> Option<String> {
    match from {
        From::Path => raw_path::without_base(&request.path, base_path).map(str::to_owned),
        From::Parameter => {
            let mut found = form_urlencoded::parse(request.query.as_bytes())
                .filter(|(name, _)| name == PARAMETER);
            let (_, file) = found.next()?;
            if file.is_empty() || found.next().is_some() {
                return None;
            }
            // With or without a leading slash it is the same path. The gate validates the rest.
            let raw = raw_path::from_decoded(&file);
            Some(if raw.starts_with('/') {
                raw
            } else {
                format!("/{raw}")
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_names_one_file() {
        let table = [
            ("fn=a/b.mp4", Some("/a/b.mp4")),
            ("fn=/a/b.mp4&x=1", Some("/a/b.mp4")),
            ("x=1&fn=a%20b%2Bc.mp4", Some("/a%20b%2Bc.mp4")),
            ("fn=a+b", Some("/a%20b")),
            ("fn=%C3%BC", Some("/%C3%BC")),
            // The gate rejects these, because they are not canonical.
            ("fn=//a", Some("//a")),
            ("fn=../a", Some("/../a")),
            ("fn=a%252e", Some("/a%252e")),
            ("fn=a%3Fb", Some("/a%3Fb")),
            ("fn=%FF", Some("/%EF%BF%BD")),
            ("", None),
            ("fn", None),
            ("fn=", None),
            ("fn=a&fn=a", None),
            ("fn=a&f%6E=b", None),
            ("FN=a", None),
        ];
        for (query, expect) in table {
            let request = HttpRequest {
                method: "GET".to_owned(),
                path: "/files".to_owned(),
                query: query.to_owned(),
                headers: Vec::new(),
                ip: None,
                time: None,
            };
            let found = locate(&request, From::Parameter, "/prod");
            assert_eq!(found.as_deref(), expect, "{query}");
            assert_eq!(locate(&request, From::Path, "").as_deref(), Some("/files"));
            assert_eq!(locate(&request, From::Path, "/prod"), None);
        }
    }
}
