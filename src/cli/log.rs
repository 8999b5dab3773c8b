//! The program's log: to a file, never to the terminal.
//!
//! Owns the subscriber and its filter. kube logs every failed request as an error; those go to the file, too.

use std::{path::Path, sync::Mutex};

use tracing_subscriber::EnvFilter;

use super::exit::Failure;
use crate::disk::log::LogFile;

const MOST: u64 = 4 << 20;

/// Whoever logs headers or bodies at debug level; a token must never be in the log.
const NEVER: &str = "hyper=info,hyper_util=info,rustls=info,tower=info,kube_client::client::auth=off";

/// Begins to log to `path`. A place that can't be written is an error only if the user named it.
pub fn start(path: &Path, named_by_user: bool, level: Option<&str>) -> Result<(), Failure> {
    let file = match LogFile::open(path, MOST) {
        Ok(file) => file,
        Err(problem) if named_by_user => return Err(problem.into()),
        // A read-only home is no reason not to start.
        Err(_) => return Ok(()),
    };
    let directives = format!("{},{NEVER}", level.unwrap_or("info"));
    let filter = EnvFilter::try_new(&directives).map_err(|error| {
        Failure::usage(&format!("MPIDECK_LOG: {error}")).hint("use error, warn, info, debug or trace")
    })?;
    let subscriber =
        tracing_subscriber::fmt().with_writer(Mutex::new(file)).with_ansi(false).with_env_filter(filter).finish();
    // Only a second call can fail, and then the first one's is in place.
    let _ = tracing::subscriber::set_global_default(subscriber);
    Ok(())
}
