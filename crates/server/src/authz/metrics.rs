//! Metrics in the format of Prometheus.
//!
//! Not here: records of single decisions, which contain paths.

use core::time::Duration;

use metrics::{counter, gauge, histogram};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use tollgate_gate::LogRecord;

use super::dialect::{BadQuestion, Dialect};

/// Upper bounds of the time of decisions, in seconds.
const BUCKETS: [f64; 9] = [1e-6, 3e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 1e-2, 1e-1];

/// The metrics of one server.
pub(super) struct Metrics {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
}

impl Metrics {
    pub(super) fn new() -> Self {
        let builder = PrometheusBuilder::new();
        // Without buckets, times are summarized, which cannot be added up over several servers.
        let builder = builder.set_buckets(&BUCKETS).unwrap_or_else(|_| {
            // Only an empty list is rejected.
            PrometheusBuilder::new()
        });
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        let metrics = Self { recorder, handle };
        metrics.with(describe);
        metrics.with(begin);
        metrics
    }

    fn with(&self, work: impl FnOnce()) {
        metrics::with_local_recorder(&self.recorder, work);
    }

    /// The text of all metrics.
    pub(super) fn render(&self) -> String {
        self.handle.render()
    }

    /// Summarizes what was recorded, so that memory does not grow between two scrapes.
    pub(super) fn upkeep(&self) {
        self.handle.run_upkeep();
    }

    pub(super) fn decided(
        &self,
        via: &'static str,
        record: &LogRecord,
        status: u16,
        time: Duration,
    ) {
        let (outcome, reason) = (record.outcome.code(), record.reason.code());
        self.with(|| {
            counter!("tollgate_decisions_total", "dialect" => via, "outcome" => outcome, "reason" => reason, "status" => status.to_string())
                .increment(1);
            histogram!("tollgate_decision_seconds").record(time.as_secs_f64());
        });
    }

    pub(super) fn rejected(&self, via: &'static str, code: &'static str) {
        self.with(|| {
            counter!("tollgate_rejected_questions_total", "dialect" => via, "code" => code)
                .increment(1);
        });
    }

    pub(super) fn loaded(&self, old: Option<&str>, policy: &str, site: &str, now: i64) {
        self.with(|| {
            if let Some(old) = old.filter(|old| *old != policy) {
                gauge!("tollgate_policy_info", "policy" => old.to_owned(), "site" => site.to_owned())
                    .set(0.0);
            }
            gauge!("tollgate_policy_info", "policy" => policy.to_owned(), "site" => site.to_owned())
                .set(1.0);
            // Exact for any plausible time.
            gauge!("tollgate_policy_loaded_timestamp_seconds").set(now as f64);
        });
    }

    pub(super) fn reload(&self, result: &'static str) {
        self.with(|| counter!("tollgate_reloads_total", "result" => result).increment(1));
    }

    pub(super) fn fetched(&self, what: &'static str, result: &'static str) {
        self.with(|| {
            counter!("tollgate_fetches_total", "what" => what, "result" => result).increment(1);
        });
    }
}

/// Creates the counters that alerts watch: a counter that begins with 1 has no increase.
fn begin() {
    for result in ["changed", "unchanged", "failed"] {
        counter!("tollgate_reloads_total", "result" => result).absolute(0);
    }
    for what in ["keys", "sign_in"] {
        for result in ["ok", "failed"] {
            counter!("tollgate_fetches_total", "what" => what, "result" => result).absolute(0);
        }
    }
    counter!("tollgate_rejected_questions_total", "dialect" => "none", "code" => "stranger")
        .absolute(0);
    counter!("tollgate_rejected_questions_total", "dialect" => "authzen", "code" => "bad_evaluation").absolute(0);
    for dialect in Dialect::ALL {
        for code in BadQuestion::CODES {
            counter!("tollgate_rejected_questions_total", "dialect" => dialect.name(), "code" => code)
                .absolute(0);
        }
        counter!("tollgate_decisions_total", "dialect" => dialect.name(), "outcome" => "deny", "reason" => "internal", "status" => "500")
            .absolute(0);
    }
}

fn describe() {
    metrics::describe_counter!(
        "tollgate_decisions_total",
        "Requests decided, by dialect, outcome, reason and status."
    );
    metrics::describe_histogram!(
        "tollgate_decision_seconds",
        metrics::Unit::Seconds,
        "Time of one evaluation, without waiting for keys."
    );
    metrics::describe_counter!(
        "tollgate_rejected_questions_total",
        "Questions that no configured proxy sends, by code."
    );
    metrics::describe_gauge!("tollgate_policy_info", "1 for the policy in use.");
    metrics::describe_gauge!(
        "tollgate_policy_loaded_timestamp_seconds",
        "When the policy in use was loaded."
    );
    metrics::describe_counter!(
        "tollgate_reloads_total",
        "Reloads of the policy, by result: changed, unchanged, failed."
    );
    metrics::describe_counter!(
        "tollgate_fetches_total",
        "Requests to issuers, for keys or a sign-in, by result."
    );
}
