//! kubectl's table: no lines, three spaces between columns, headings in capitals.

use comfy_table::ContentArrangement;
use comfy_table::presets;

/// A table that is built row by row.
pub struct Table {
    inner: comfy_table::Table,
}

impl Table {
    /// A table with its heading; with `no_headers` the heading is left out.
    pub fn new<'h>(headers: impl IntoIterator<Item = &'h str>, no_headers: bool) -> Self {
        let mut inner = comfy_table::Table::new();
        inner.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        if !no_headers {
            inner.set_header(headers.into_iter().collect::<Vec<_>>());
        }
        Self { inner }
    }

    /// Adds a row with one cell per column.
    pub fn row<I>(&mut self, cells: I)
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.inner.add_row(cells.into_iter().map(Into::into).collect::<Vec<String>>());
    }

    /// The text; every line ends in a newline and carries no trailing spaces. Empty without rows and heading.
    pub fn text(mut self) -> String {
        if self.inner.is_empty() && self.inner.header().is_none() {
            return String::new();
        }
        for column in self.inner.column_iter_mut() {
            column.set_padding((0, 3));
        }
        self.inner.lines().map(|line| format!("{}\n", line.trim_end())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_like_kubectls() {
        let mut table = Table::new(["NAME", "AGE"], false);
        table.row(["orders", "5m"]);
        table.row(["a-longer-name", "10d"]);
        assert_eq!(table.text(), "NAME            AGE\norders          5m\na-longer-name   10d\n");
    }

    #[test]
    fn can_do_without_the_heading() {
        let mut table = Table::new(["NAME"], true);
        table.row(["orders"]);
        assert_eq!(table.text(), "orders\n");
    }
}
