//! `-o custom-columns=NAME:.name,AGE:.age`: one row per item of a list, or one row for a single object.

use serde_json::Value;

use super::jsonpath;
use crate::error::CommandError;

/// Renders the columns; a path that matches nothing shows `<none>`, as kubectl does.
pub fn render(columns: &str, value: &Value, no_headers: bool) -> Result<String, CommandError> {
    let columns: Vec<(&str, &str)> = columns
        .split(',')
        .map(|column| {
            column.split_once(':').filter(|(header, path)| !header.is_empty() && !path.is_empty()).ok_or_else(|| {
                CommandError::usage(format!("invalid custom-columns: expected HEADER:.path, found `{column}`"))
            })
        })
        .collect::<Result<_, _>>()?;
    let rows: Vec<&Value> = match value.get("items").and_then(Value::as_array) {
        Some(items) => items.iter().collect(),
        None => vec![value],
    };
    let mut lines: Vec<Vec<String>> = Vec::new();
    if !no_headers {
        lines.push(columns.iter().map(|(header, _)| (*header).to_owned()).collect());
    }
    for row in rows {
        lines.push(columns.iter().map(|(_, path)| cell(path, row)).collect::<Result<_, _>>()?);
    }
    Ok(aligned(&lines))
}

fn cell(path: &str, row: &Value) -> Result<String, CommandError> {
    let values: Vec<String> = jsonpath::select(path.trim_matches(['{', '}']), row)?
        .into_iter()
        .filter(|value| !value.is_null())
        .map(jsonpath::plain)
        .collect();
    Ok(if values.is_empty() { "<none>".to_owned() } else { values.join(",") })
}

/// The number of columns is only known at run time, so the table of `view` does not fit.
fn aligned(lines: &[Vec<String>]) -> String {
    let count = lines.first().map_or(0, Vec::len);
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..count).map(width).collect();
    let mut text = String::new();
    for line in lines {
        let cells: Vec<String> =
            line.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}", width = *width)).collect();
        text.push_str(cells.join("   ").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn one_row_per_item() -> Result<(), CommandError> {
        let value = json!({"items": [{"name": "orders", "partitions": 3}, {"name": "b", "isr": null}]});
        assert_eq!(
            render("NAME:.name,PARTITIONS:.partitions", &value, false)?,
            "NAME     PARTITIONS\norders   3\nb        <none>\n"
        );
        assert_eq!(render("N:name", &value, true)?, "orders\nb\n");
        Ok(())
    }

    #[test]
    fn a_column_needs_a_path() {
        assert!(render("NAME", &json!({}), false).is_err_and(|error| error.message.contains("`NAME`")));
    }
}
