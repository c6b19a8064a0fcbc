//! Several instances in one process.

use std::io;
use std::sync::{Arc, Mutex};
use std::thread;

use service::config::LogLevel;
use service::logging;
use service::metrics;
use tracing_subscriber::fmt::MakeWriter;

use crate::harness::start;

/// A log that a test can read.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// Runs an instance in a thread of its own, asks it `requests` times, and gives its metrics and its log.
fn run_apart(name: &'static str, requests: usize) -> (String, String) {
    let lines = Lines::default();
    let (log, served_by) = (lines.clone(), format!("--served-by={name}"));
    let work = async move {
        let echo = start([served_by.as_str()]);
        for _ in 0..requests {
            echo.get("/whoami").await.text().await.unwrap();
        }
        echo.get("/metrics").await.text().await.unwrap()
    };
    let run = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work);
    let metrics = metrics::apart(|| logging::apart(LogLevel::Info, log, (), run));
    let log = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    (metrics, log)
}

#[test]
fn each_instance_counts_and_logs_for_itself() {
    let instances = [("node1", 3), ("node2", 5)].map(|(name, requests)| {
        let instance = thread::spawn(move || run_apart(name, requests));
        (name, requests, instance)
    });
    for (name, requests, instance) in instances {
        let (metrics, log) = instance.join().unwrap();
        let counted = format!("http_requests_total{{route=\"/whoami\",method=\"GET\",status=\"200\"}} {requests}\n");
        assert!(metrics.contains(&counted), "{metrics}");
        assert!(metrics.contains("service_info{service=\"echo\""), "{metrics}");
        assert_eq!(log.lines().count(), 1, "{log}");
        assert!(log.contains("listening on echo: http://127.0.0.1:") && log.contains(name), "{log}");
    }
}
