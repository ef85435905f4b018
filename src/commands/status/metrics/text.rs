//! The figures for people: tables of brokers, of controllers and of ZooKeeper's servers.

use std::fmt::Write;
use std::time::Duration;

use super::super::text::{indented, unknown};
use super::{BrokerFigures, ControllerFigures, Heap, MetricsSection, Row, ServerFigures, whole};
use crate::ui::TextOptions;
use crate::view::{self, Table};

/// The section of `-o wide`.
pub(in crate::commands::status) fn text(section: &MetricsSection, options: TextOptions) -> String {
    let mut text = String::new();
    let mut tables = Vec::new();
    if !section.brokers.is_empty() {
        tables.push(brokers(&section.brokers, options));
    }
    if !section.controllers.is_empty() {
        tables.push(controllers(&section.controllers, options));
    }
    if !section.zookeeper.is_empty() {
        tables.push(servers(&section.zookeeper, options));
    }
    if tables.is_empty() {
        return text;
    }
    let _ = writeln!(text, "\nMetrics:{}", totals(&section.brokers));
    for (name, reason) in failures(section) {
        let _ = writeln!(text, "  {name}: {reason}");
    }
    let tables: Vec<String> = tables.iter().map(|table| indented(table)).collect();
    text + &tables.join("\n")
}

/// What the brokers take and give together, and how many of them that is where some do not tell.
fn totals(rows: &[Row<BrokerFigures>]) -> String {
    let rates = |Row { figures, .. }: &Row<BrokerFigures>| {
        Some((figures.messages_in_per_second?, figures.bytes_in_per_second?, figures.bytes_out_per_second?))
    };
    let told: Vec<(f64, f64, f64)> = rows.iter().filter_map(rates).collect();
    if told.is_empty() {
        return String::new();
    }
    let (messages, taken, given) =
        told.iter().fold((0.0, 0.0, 0.0), |sum, rate| (sum.0 + rate.0, sum.1 + rate.1, sum.2 + rate.2));
    let (messages, taken, given) = (count(messages), view::bytes(whole(taken)), view::bytes(whole(given)));
    let mut text = format!(" {messages} messages/s and {taken}/s in, {given}/s out over the last minute");
    if told.len() < rows.len() {
        let _ = write!(text, ", from {} of {} brokers", told.len(), rows.len());
    }
    text
}

fn failures(section: &MetricsSection) -> Vec<(String, &String)> {
    let brokers = section.brokers.iter().map(|row| (format!("node {}", row.name()), row.error.as_ref()));
    let controllers = section.controllers.iter().map(|row| (format!("node {}", row.name()), row.error.as_ref()));
    let servers = section.zookeeper.iter().map(|row| (row.name(), row.error.as_ref()));
    brokers.chain(controllers).chain(servers).filter_map(|(name, error)| Some((name, error?))).collect()
}

fn brokers(rows: &[Row<BrokerFigures>], options: TextOptions) -> String {
    let zookeeper = rows.iter().any(|row| row.figures.zookeeper_p99_ms.is_some());
    let mut headers = vec![
        "BROKER",
        "MESSAGES-IN",
        "BYTES-IN",
        "BYTES-OUT",
        "PRODUCE-P99",
        "FETCH-P99",
        "HANDLERS-IDLE",
        "NETWORK-IDLE",
        "CONNECTIONS",
        "HEAP",
    ];
    headers.extend(zookeeper.then_some("ZOOKEEPER-P99"));
    let mut table = Table::new(headers, options.no_headers);
    for row in rows {
        let figures = &row.figures;
        let cells = [
            row.name(),
            unknown(figures.messages_in_per_second.map(|rate| format!("{}/s", count(rate)))),
            speed(figures.bytes_in_per_second),
            speed(figures.bytes_out_per_second),
            time_of(figures.produce_requests, figures.produce_p99_ms),
            time_of(figures.fetch_requests, figures.fetch_p99_ms),
            share(figures.request_handlers_idle),
            share(figures.network_processors_idle),
            unknown(figures.connections),
            heap(figures.heap),
        ];
        table.row(cells.into_iter().chain(zookeeper.then(|| time(figures.zookeeper_p99_ms))));
    }
    table.text()
}

fn controllers(rows: &[Row<ControllerFigures>], options: TextOptions) -> String {
    // ZooKeeper's brokers keep no log of the metadata.
    let quorum =
        rows.iter().any(|Row { figures, .. }| figures.metadata_lag_ms.is_some() || figures.metadata_errors.is_some());
    let mut headers = vec!["CONTROLLER", "ACTIVE", "QUEUE-P99"];
    if quorum {
        headers.extend(["METADATA-LAG", "METADATA-ERRORS"]);
    }
    headers.push("HEAP");
    let mut table = Table::new(headers, options.no_headers);
    for row in rows {
        let figures = &row.figures;
        let active = figures.active.map(|active| if active { "True" } else { "False" });
        let mut cells = vec![row.name(), unknown(active), time(figures.event_queue_p99_ms)];
        if quorum {
            cells.extend([time(figures.metadata_lag_ms), unknown(figures.metadata_errors)]);
        }
        cells.push(heap(figures.heap));
        table.row(cells);
    }
    table.text()
}

fn servers(rows: &[Row<ServerFigures>], options: TextOptions) -> String {
    let headers = ["ZOOKEEPER", "LATENCY", "SLOWEST", "OUTSTANDING", "CONNECTIONS", "ZNODES", "WATCHES", "HEAP"];
    let mut table = Table::new(headers, options.no_headers);
    for row in rows {
        let figures = &row.figures;
        table.row([
            row.name(),
            unknown(figures.latency_ms.map(|latency| format!("{}ms", count(latency)))),
            time(figures.slowest_ms),
            unknown(figures.outstanding),
            unknown(figures.connections),
            unknown(figures.znodes),
            unknown(figures.watches),
            heap(figures.heap),
        ]);
    }
    table.text()
}

/// `0.3`, `12`, `1234`: a digit after the point only where it says something.
fn count(value: f64) -> String {
    if value < 10.0 && value.fract() >= 0.05 { format!("{value:.1}") } else { format!("{value:.0}") }
}

fn speed(bytes: Option<f64>) -> String {
    unknown(bytes.map(|bytes| format!("{}/s", view::bytes(whole(bytes)))))
}

fn share(idle: Option<f64>) -> String {
    unknown(idle.map(|idle| format!("{:.0}%", idle * 100.0)))
}

/// `<none>` where nothing was measured.
fn time_of(requests: Option<u64>, milliseconds: Option<f64>) -> String {
    if requests == Some(0) { "<none>".to_owned() } else { time(milliseconds) }
}

fn time(milliseconds: Option<f64>) -> String {
    unknown(milliseconds.map(|milliseconds| view::duration(Duration::from_millis(whole(milliseconds)))))
}

fn heap(heap: Option<Heap>) -> String {
    unknown(heap.map(|heap| match heap.max {
        Some(max) => format!("{}/{}", view::bytes(heap.used), view::bytes(max)),
        None => view::bytes(heap.used),
    }))
}
