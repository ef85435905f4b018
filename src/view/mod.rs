//! Text from models, pure: tables, sizes, ages. The only room that names `comfy_table`.

mod human;
mod table;

pub use human::{age, bytes, duration, list, or_none, plural};
pub use table::Table;
