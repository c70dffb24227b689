//! What every service's main needs: telemetry, server, client, status, database, and the tools by name.

pub mod db;
