//! The web page as a process; the service itself is the library beside this file.

use std::process::ExitCode;

fn main() -> ExitCode {
    service::program::run(&webui::ABOUT, async |config, shutdown| webui::bind(&config)?.run(shutdown).await)
}
