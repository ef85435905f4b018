//! The report for people: headline, then sections whose heading carries the worst severity, then what
//! is wrong.

use std::fmt::Write;

use super::metrics;
use super::model::{
    BrokerRow, BrokerSection, ControllerRow, ControllerSection, PartitionSection, Severity, Standing, Status,
    ZooKeeperRow, ZooKeeperSection,
};
use crate::ui::{TextOptions, View};
use crate::view::{self, Table};

/// Rows of the partition table without `-o wide`: enough to see the pattern.
const PARTITION_ROWS: usize = 10;

impl View for Status {
    fn text(&self, options: TextOptions) -> String {
        let mut text = headline(self);
        if let Some(section) = &self.zookeeper {
            text.push_str(&zookeeper(section, options));
        }
        if let Some(section) = &self.controllers {
            text.push_str(&controllers(section, options));
        }
        text.push_str(&brokers(&self.brokers, options));
        text.push_str(&partitions(&self.partitions, options));
        if options.wide {
            text.push_str(&metrics(self, options));
        }
        if !self.problems.is_empty() {
            text.push_str("\nProblems:\n");
            for problem in &self.problems {
                let _ = writeln!(text, "  {}: {}", word(problem.severity), problem.message);
            }
        }
        if !self.unseen.is_empty() {
            text.push_str("\nNot seen:\n");
            for reason in &self.unseen {
                let _ = writeln!(text, "  {reason}");
            }
        }
        text
    }

    fn names(&self) -> Vec<String> {
        vec![format!("kafka/{}", self.name)]
    }
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Ok => "ok",
        Severity::Warning => "warning",
        Severity::Critical => "critical",
    }
}

fn headline(status: &Status) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(text, "Name:        {}", status.name);
    if let Some(namespace) = &status.namespace {
        let _ = writeln!(text, "Namespace:   {namespace}");
    }
    let _ = writeln!(text, "Cluster ID:  {}", status.cluster_id.as_deref().unwrap_or("<unknown>"));
    if let Some(image) = &status.image {
        let _ = writeln!(text, "Image:       {image}");
    }
    let serious = status.problems.iter().filter(|problem| problem.severity == Severity::Critical).count();
    let verdict =
        if status.healthy { "healthy".to_owned() } else { format!("unhealthy ({})", view::plural(serious, "problem")) };
    let _ = writeln!(text, "Status:      {verdict}");
    text
}

fn zookeeper(section: &ZooKeeperSection, options: TextOptions) -> String {
    let mut text = format!("\nZooKeeper: {}", word(section.severity));
    let answering = section.items.iter().filter(|row| row.server.is_some()).count();
    let _ = write!(text, ", {answering} of {} serving", section.wanted);
    if let Some(leader) = &section.leader {
        let _ = write!(text, ", leader {leader}");
    }
    text.push('\n');
    if section.items.is_empty() {
        return text;
    }
    let mut table =
        Table::new(["POD", "READY", "MODE", "ZXID", "CONNECTIONS", "LATENCY", "RESTARTS"], options.no_headers);
    for row in &section.items {
        table.row(server(row));
    }
    text.push_str(&indented(&table.text()));
    text
}

fn server(row: &ZooKeeperRow) -> [String; 7] {
    let told = row.server.as_ref();
    let latency = told.and_then(|server| server.latency_ms);
    [
        row.pod.clone(),
        ready(Some(row.ready), Some(&row.state)),
        unknown(told.map(|server| server.mode.word())),
        unknown(told.map(|server| &server.zxid)),
        unknown(told.and_then(|server| server.connections)),
        // The fastest is 0 nearly everywhere.
        unknown(latency.map(|latency| format!("{:.1} ms, max {:.0}", latency.average, latency.max))),
        row.restarts.to_string(),
    ]
}

fn controllers(section: &ControllerSection, options: TextOptions) -> String {
    let mut text = format!("\nControllers: {}", word(section.severity));
    if let (Some(leader), Some(epoch)) = (section.leader, section.epoch) {
        let _ = write!(text, ", leader {leader}, epoch {epoch}");
    }
    text.push('\n');
    if let Some(reason) = &section.error {
        let _ = writeln!(text, "  {reason}");
    }
    if section.items.is_empty() {
        return text;
    }
    let mut table = Table::new(["NODE", "POD", "READY", "ROLE", "LAG", "BEHIND", "RESTARTS"], options.no_headers);
    for row in &section.items {
        table.row(controller(row));
    }
    text.push_str(&indented(&table.text()));
    text
}

fn controller(row: &ControllerRow) -> [String; 7] {
    let role = match row.standing {
        Standing::Leader => "leader",
        Standing::Follower => "follower",
        Standing::Observer => "observer",
        Standing::Unknown => "<unknown>",
    };
    [
        row.node.to_string(),
        view::or_none(row.pod.as_ref()),
        ready(row.ready, row.state.as_deref()),
        role.to_owned(),
        unknown(row.lag),
        row.behind_ms.map_or_else(|| "<unknown>".into(), |behind| format!("{:.1}s", behind as f64 / 1000.0)),
        view::or_none(row.restarts),
    ]
}

/// `True`, or the pod's state in kubectl's words.
fn ready(ready: Option<bool>, state: Option<&str>) -> String {
    match ready {
        Some(true) => "True".to_owned(),
        Some(false) => format!("False ({})", state.unwrap_or("Unknown")),
        None => "<unknown>".to_owned(),
    }
}

pub(super) fn unknown<T: std::fmt::Display>(value: Option<T>) -> String {
    value.map_or_else(|| "<unknown>".to_owned(), |value| value.to_string())
}

fn brokers(section: &BrokerSection, options: TextOptions) -> String {
    let well = section.items.iter().filter(|row| row.unfenced == Some(true) && row.ready != Some(false)).count();
    let mut text = format!("\nBrokers: {}, {well} of {} ready", word(section.severity), section.wanted);
    if let Some(controller) = section.controller {
        let _ = write!(text, ", controller {controller}");
    }
    text.push('\n');
    if let Some(reason) = &section.error {
        let _ = writeln!(text, "  {reason}");
    }
    if section.items.is_empty() {
        return text;
    }
    let mut headers = vec!["NODE", "POD", "READY", "STATE", "LEADERS", "REPLICAS", "DISK"];
    if options.wide {
        headers.extend(["RESTARTS", "RACK", "HOST"]);
    }
    let mut table = Table::new(headers, options.no_headers);
    for row in &section.items {
        let wide = [view::or_none(row.restarts), view::or_none(row.rack.as_ref()), view::or_none(row.host.as_ref())];
        table.row(broker(row).into_iter().chain(wide.into_iter().filter(|_| options.wide)));
    }
    text.push_str(&indented(&table.text()));
    text
}

fn broker(row: &BrokerRow) -> [String; 7] {
    let state = match row.unfenced {
        Some(true) => "unfenced",
        Some(false) => "fenced",
        None => "<unknown>",
    };
    let disk = row.disk.map_or_else(
        || "<unknown>".to_owned(),
        |disk| match disk.total {
            Some(total) => format!("{}/{}", view::bytes(disk.used_by_kafka), view::bytes(total)),
            None => view::bytes(disk.used_by_kafka),
        },
    );
    [
        row.node.to_string(),
        view::or_none(row.pod.as_ref()),
        ready(row.ready, row.state.as_deref()),
        state.to_owned(),
        unknown(row.leaders),
        unknown(row.replicas),
        disk,
    ]
}

fn partitions(section: &PartitionSection, options: TextOptions) -> String {
    let mut text = format!("\nPartitions: {}", word(section.severity));
    match &section.error {
        Some(reason) => {
            let _ = writeln!(text, "\n  {reason}");
            return text;
        }
        None => {
            let _ = writeln!(
                text,
                ", {} in {}; {} offline, {} under min ISR, {} under-replicated",
                section.partitions,
                view::plural(section.topics, "topic"),
                section.offline,
                section.under_min_isr,
                section.under_replicated
            );
        }
    }
    if section.items.is_empty() {
        return text;
    }
    let shown = if options.wide { section.items.len() } else { section.items.len().min(PARTITION_ROWS) };
    let mut table = Table::new(["TOPIC", "PARTITION", "LEADER", "REPLICAS", "ISR", "STATUS"], options.no_headers);
    for row in &section.items[..shown] {
        table.row([
            row.topic.clone(),
            row.partition.to_string(),
            view::or_none(row.leader),
            view::list(&row.replicas),
            view::list(&row.isr),
            row.trouble.words().to_owned(),
        ]);
    }
    text.push_str(&indented(&table.text()));
    if shown < section.items.len() {
        let _ = writeln!(text, "  … and {} more (-o wide shows all)", section.items.len() - shown);
    }
    text
}

/// Nobody knows of the pods behind a bootstrap server.
fn metrics(status: &Status, options: TextOptions) -> String {
    match &status.metrics {
        Some(section) => metrics::text(section, options),
        None if status.namespace.is_some() => {
            format!("\nMetrics: none; `kubectl kafka install {} --metrics` serves them\n", status.name)
        }
        None => String::new(),
    }
}

pub(super) fn indented(table: &str) -> String {
    table.lines().map(|line| format!("  {line}\n")).collect()
}
