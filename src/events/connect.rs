//! Connections into a pod, a service or a node: what was asked for stands in the address alone.

use serde_json::{Value, json};

/// The kind of the options that a CONNECT on this resource carries, if it is one.
pub(super) fn options_kind(resource: &str, subresource: &str) -> Option<&'static str> {
    Some(match (resource, subresource) {
        ("pods", "exec") => "PodExecOptions",
        ("pods", "attach") => "PodAttachOptions",
        ("pods", "portforward") => "PodPortForwardOptions",
        ("pods", "proxy") => "PodProxyOptions",
        ("services", "proxy") => "ServiceProxyOptions",
        ("nodes", "proxy") => "NodeProxyOptions",
        _ => return None,
    })
}

/// The options object as the API server makes it of the address, with what it sets by itself: it switches standard
/// output and error on, whatever was asked for (`SetDefaults_PodExecOptions`).
pub(super) fn options(kind: &str, name: &str, uri: &str) -> Value {
    let query = Query::of(uri);
    let (stdin, tty) = (query.is_on("stdin"), query.is_on("tty"));
    let container = query.first("container").unwrap_or_default();
    match kind {
        "PodExecOptions" => json!({
            "kind": kind, "apiVersion": "v1", "stdin": stdin, "stdout": true, "stderr": true, "tty": tty,
            "container": container, "command": query.all("command"),
        }),
        "PodAttachOptions" => json!({
            "kind": kind, "apiVersion": "v1", "stdin": stdin, "stdout": true, "stderr": true, "tty": tty,
            "container": container,
        }),
        "PodPortForwardOptions" => json!({"kind": kind, "apiVersion": "v1", "ports": query.ports()}),
        _ => json!({"kind": kind, "apiVersion": "v1", "path": path_behind(uri, name)}),
    }
}

/// Whether the address asks for a dry run.
pub(super) fn is_dry_run(uri: &str) -> bool {
    Query::of(uri).all("dryRun").contains(&"All")
}

/// What a proxied request asked of the target: the path behind `/<name>/proxy`.
fn path_behind(uri: &str, name: &str) -> String {
    let path = uri.split_once('?').map_or(uri, |(path, _)| path);
    let path = unescaped(path, false).unwrap_or_default();
    path.split_once(&format!("/{name}/proxy")).map_or(String::new(), |(_, behind)| behind.to_owned())
}

/// The parameters of an address; those that are not well-formed are none, as in Go.
struct Query(Vec<(String, String)>);

impl Query {
    fn of(uri: &str) -> Self {
        let query = uri.split_once('?').map_or("", |(_, query)| query);
        let pair = |text: &str| {
            let (key, value) = text.split_once('=').unwrap_or((text, ""));
            Some((unescaped(key, true)?, unescaped(value, true)?))
        };
        Self(query.split('&').filter(|text| !text.is_empty()).filter_map(pair).collect())
    }

    fn all(&self, key: &str) -> Vec<&str> {
        self.0.iter().filter(|(name, _)| name == key).map(|(_, value)| value.as_str()).collect()
    }

    fn first(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// A switch is off where it is absent, `false` or `0`; anything else, even nothing, switches it on
    /// (`Convert_Slice_string_To_bool`).
    fn is_on(&self, key: &str) -> bool {
        self.first(key).is_some_and(|value| !value.eq_ignore_ascii_case("false") && value != "0")
    }

    /// Ports may be repeated or listed.
    fn ports(&self) -> Vec<u16> {
        let values = self.all("ports");
        values.iter().flat_map(|value| value.split(',')).filter_map(|port| port.parse().ok()).collect()
    }
}

/// Text without its percent escapes; nothing if one of them is no byte.
fn unescaped(text: &str, plus_is_space: bool) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' if plus_is_space => b' ',
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            _ => byte,
        });
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{is_dry_run, options};

    const POD: &str = "/api/v1/namespaces/shop/pods/web";

    #[test]
    fn a_command_is_read_from_the_address() {
        let uri =
            format!("{POD}/exec?command=sh&command=-c&command=echo+a%20b%26c&container=app&stdin=true&tty=");
        assert_eq!(
            options("PodExecOptions", "web", &uri),
            json!({"kind": "PodExecOptions", "apiVersion": "v1", "command": ["sh", "-c", "echo a b&c"],
                   "container": "app", "stdin": true, "stdout": true, "stderr": true, "tty": true})
        );
    }

    #[test]
    fn switches_are_read_as_the_api_server_reads_them() {
        for (query, on) in [
            ("", false),
            ("tty=false", false),
            ("tty=FALSE", false),
            ("tty=0", false),
            ("tty=1", true),
            ("tty", true),
        ] {
            assert_eq!(
                options("PodAttachOptions", "web", &format!("{POD}/attach?{query}"))["tty"],
                on,
                "{query}"
            );
        }
    }

    #[test]
    fn ports_and_paths_are_read_from_the_address() {
        let uri = format!("{POD}/portforward?ports=80,443&ports=8080&ports=x");
        assert_eq!(options("PodPortForwardOptions", "web", &uri)["ports"], json!([80, 443, 8080]));
        for (uri, path) in [
            ("/api/v1/nodes/n1/proxy/run/shop/web/app?cmd=id", "/run/shop/web/app"),
            ("/api/v1/nodes/n1/proxy/", "/"),
            ("/api/v1/nodes/n1/proxy", ""),
            ("/api/v1/nodes/n1/proxy/%65xec/a%2Fb+c", "/exec/a/b+c"),
        ] {
            assert_eq!(options("NodeProxyOptions", "n1", uri)["path"], path, "{uri}");
        }
        let uri = "/api/v1/namespaces/shop/services/https:web:443/proxy/admin";
        assert_eq!(options("ServiceProxyOptions", "https:web:443", uri)["path"], "/admin");
    }

    #[test]
    fn parameters_that_are_not_well_formed_are_none() {
        assert!(is_dry_run("/x?fieldManager=a&dryRun=All"));
        for uri in ["/x", "/x?dryRun=", "/x?dryRun=all", "/x?dryRun=%A", "/x?notDryRun=All", "/dryRun=All"] {
            assert!(!is_dry_run(uri), "{uri}");
        }
    }
}
