//! The gateway's settings, and the origins they name.

use std::{fmt, net::IpAddr, path::PathBuf, str::FromStr};

use ipnet::IpNet;

use crate::limits::RateConfig;

/// The gateway: web page, REST, WebSocket.
#[derive(Clone, Debug, clap::Args)]
#[group(skip)] // In the one binary several of these stand side by side.
pub struct Config {
    /// Where the page, REST and the WebSocket are.
    #[arg(long, env = "DICETOWER_HTTP", default_value = DEFAULT_HTTP)]
    pub http: String,
    /// Origin of a page elsewhere that may use this server, such as https://table.example; several with commas. Its
    /// host is then also a name for this server, as behind a proxy, and beyond loopback names that were not told are
    /// refused.
    #[arg(long = "allow-origin", env = "DICETOWER_ALLOW_ORIGIN", value_delimiter = ',', value_name = "ORIGIN")]
    pub allow_origins: Vec<Origin>,
    /// Folder of another web page, served in place of ours.
    #[arg(long, env = "DICETOWER_WWW", value_name = "DIR", value_parser = page_folder)]
    pub www: Option<PathBuf>,
    /// Largest body of a request, in bytes.
    #[arg(long, env = "DICETOWER_BODY_LIMIT", default_value_t = DEFAULT_BODY_LIMIT, value_name = "BYTES",
        value_parser = at_least_one)]
    pub body_limit: usize,
    /// WebSockets and event streams that one address may hold open.
    #[arg(long, env = "DICETOWER_STREAMS_PER_ADDRESS", default_value_t = DEFAULT_STREAMS, value_name = "COUNT",
        value_parser = clap::value_parser!(u32).range(1..))]
    pub streams_per_address: u32,
    /// Connections that one address may hold open.
    #[arg(long, env = "DICETOWER_CONNECTIONS_PER_ADDRESS", default_value_t = DEFAULT_CONNECTIONS, value_name = "COUNT",
        value_parser = clap::value_parser!(u32).range(1..))]
    pub connections_per_address: u32,
    /// Seconds in which the reader of a WebSocket must take a frame; one who does not is shown the door.
    #[arg(
        long,
        env = "DICETOWER_WRITE_TIMEOUT",
        default_value_t = DEFAULT_WRITE_TIMEOUT,
        value_name = "SECONDS",
        value_parser = clap::value_parser!(u64).range(1..=3600)
    )]
    pub write_timeout: u64,
    /// Address or network of a proxy in front of the gateway, such as 10.0.0.0/8; several with commas. Whom it speaks
    /// for (X-Forwarded-For) is taken for the client whose connections and requests are counted.
    #[arg(
        long = "trusted-proxy",
        env = "DICETOWER_TRUSTED_PROXY",
        value_delimiter = ',',
        value_name = "NETWORK",
        value_parser = network
    )]
    pub trusted_proxies: Vec<IpNet>,
    /// How often somebody may do something.
    #[command(flatten)]
    pub rates: RateConfig,
}

const DEFAULT_HTTP: &str = "127.0.0.1:8001";
const DEFAULT_BODY_LIMIT: usize = 1024 * 1024;
const DEFAULT_STREAMS: u32 = 1000;
const DEFAULT_CONNECTIONS: u32 = 2000;
const DEFAULT_WRITE_TIMEOUT: u64 = 10;

impl Default for Config {
    fn default() -> Config {
        Config {
            http: DEFAULT_HTTP.into(),
            allow_origins: Vec::new(),
            www: None,
            body_limit: DEFAULT_BODY_LIMIT,
            streams_per_address: DEFAULT_STREAMS,
            connections_per_address: DEFAULT_CONNECTIONS,
            write_timeout: DEFAULT_WRITE_TIMEOUT,
            trusted_proxies: Vec::new(),
            rates: RateConfig::default(),
        }
    }
}

impl Config {
    /// Whether only this machine can reach the gateway.
    pub(crate) fn is_loopback(&self) -> bool {
        is_loopback(self.http.rsplit_once(':').map_or(self.http.as_str(), |(host, _)| host))
    }
}

/// Where a page comes from: scheme, host and port, in lower case and without the scheme's own port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    text: String,
    host: String,
}

/// A text that is not an origin.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not an origin such as https://table.example or http://127.0.0.1:3000")]
pub struct OriginError(String);

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Origin, OriginError> {
        let error = || OriginError(text.chars().take(200).collect());
        let uri: http::Uri = text.trim().parse().map_err(|_| error())?;
        let scheme = uri.scheme_str().filter(|scheme| matches!(*scheme, "http" | "https")).ok_or_else(error)?;
        let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(error)?.to_ascii_lowercase();
        let has_more = uri.path() != "/" || uri.query().is_some() || text.contains('@');
        if has_more {
            return Err(error());
        }
        let port = match (scheme, uri.port_u16()) {
            ("http", Some(80)) | ("https", Some(443)) | (_, None) => String::new(),
            (_, Some(port)) => format!(":{port}"),
        };
        Ok(Origin { text: format!("{scheme}://{host}{port}"), host })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl Origin {
    /// Host and port, as a `Host` header has them.
    pub(crate) fn authority(&self) -> &str {
        self.text.split_once("://").map_or("", |(_, authority)| authority)
    }

    /// The host without a port.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }
}

/// Whether a host is always this machine: a browser lets nobody else answer for these.
pub(crate) fn is_loopback(host: &str) -> bool {
    let is_name = host.eq_ignore_ascii_case("localhost") || host.to_ascii_lowercase().ends_with(".localhost");
    is_name || address(host).is_some_and(|address| address.is_loopback())
}

/// Whether a host is an address, not a name.
pub(crate) fn is_address(host: &str) -> bool {
    address(host).is_some()
}

fn address(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

fn network(text: &str) -> Result<IpNet, String> {
    let alone = || text.parse::<IpAddr>().map(IpNet::from);
    let network = text.parse::<IpNet>().or_else(|_| alone());
    network.map_err(|_| "a proxy is an address or a network, such as 10.1.2.3 or 10.0.0.0/8".into())
}

fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|number| 0 < *number).ok_or_else(|| "a number from 1 on".to_owned())
}

fn page_folder(text: &str) -> Result<PathBuf, String> {
    let folder = PathBuf::from(text);
    if folder.join("index.html").is_file() {
        return Ok(folder);
    }
    Err("a web page's folder holds an index.html, and this one does not".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(text.parse::<Origin>().ok().map(|origin| origin.to_string()).as_deref(), expected, "{text}");
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        check("https://Table.Example", Some("https://table.example"));
        check("https://table.example:443", Some("https://table.example"));
        check("http://127.0.0.1:3000/", Some("http://127.0.0.1:3000"));
        check("http://[::1]:3000", Some("http://[::1]:3000"));
    }

    #[test]
    fn anything_else_is_no_origin() {
        for text in ["", "null", "*", "table.example", "ftp://table.example", "https://a.example/b", "https://a@b"] {
            check(text, None);
        }
    }

    #[test]
    fn a_proxy_is_an_address_or_a_network() {
        assert_eq!(network("10.1.2.3").unwrap().to_string(), "10.1.2.3/32");
        assert_eq!(network("fd00::/8").unwrap().to_string(), "fd00::/8");
        for text in ["", "proxy", "10.0.0.0/33", "10.0.0"] {
            assert!(network(text).is_err(), "{text}");
        }
    }

    #[test]
    fn loopback_is_told_by_name_and_by_number() {
        for host in ["localhost", "LOCALHOST", "a.localhost", "127.0.0.1", "127.9.9.9", "[::1]"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["", "localhost.example", "10.0.0.1", "0.0.0.0", "127.0.0.1.example"] {
            assert!(!is_loopback(host), "{host}");
        }
    }

    #[test]
    fn the_default_address_is_loopback() {
        assert!(Config::default().is_loopback());
        assert!(Config { http: "[::1]:8001".into(), ..Config::default() }.is_loopback());
        assert!(!Config { http: "0.0.0.0:8001".into(), ..Config::default() }.is_loopback());
    }
}
