//! Statements for the rows of a table.

use axum::http::StatusCode;

use super::{
    request::{Action, Duplicates, TableRequest},
    sql::Sql,
};

/// The columns of a table's primary key.
pub(super) const PRIMARY_KEY: &str = "select a.attname from pg_catalog.pg_index as i \
    join pg_catalog.pg_attribute as a on a.attrelid = i.indrelid and a.attnum = any(i.indkey) \
    where i.indisprimary and i.indrelid = to_regclass(format('public.%I', $1::text))";

impl TableRequest {
    /// The status of an answer that went well.
    pub(super) fn status(&self) -> StatusCode {
        match self.action {
            Action::Insert { .. } => StatusCode::CREATED,
            Action::Update { .. } | Action::Delete if !self.represent => StatusCode::NO_CONTENT,
            Action::Read | Action::Update { .. } | Action::Delete => StatusCode::OK,
        }
    }

    pub(super) fn reads_only(&self) -> bool {
        matches!(self.action, Action::Read)
    }

    /// Whether the answer has rows.
    pub(super) fn has_rows(&self) -> bool {
        self.represent || matches!(self.action, Action::Read)
    }

    /// Whether the primary key must be known.
    pub(super) fn needs_primary_key(&self) -> bool {
        match &self.action {
            Action::Insert {
                duplicates,
                conflict,
                ..
            } => *duplicates != Duplicates::Refused && conflict.is_empty(),
            Action::Read | Action::Update { .. } | Action::Delete => false,
        }
    }

    /// The statement; its rows, if they are wanted, as one JSON list.
    pub(super) fn statement(&self, primary_key: &[String]) -> Sql {
        let mut sql = Sql::default();
        if self.has_rows() {
            sql.push("with result as (");
        }
        match &self.action {
            Action::Read => {
                sql.push("select ");
                self.write_select(&mut sql);
                sql.push(" from ");
                sql.public(&self.table);
                self.write_conditions(&mut sql);
                self.write_order(&mut sql);
            }
            Action::Insert {
                rows,
                columns,
                duplicates,
                conflict,
            } => {
                let key = if conflict.is_empty() {
                    primary_key
                } else {
                    conflict
                };
                self.write_insert(&mut sql, rows.to_string(), columns);
                write_duplicates(&mut sql, *duplicates, key, columns);
            }
            Action::Update { row, columns } => {
                sql.push("update ");
                sql.public(&self.table);
                sql.push(" set ");
                sql.list(columns, ", ", |sql, column| {
                    sql.name(column);
                    sql.push(" = new_row.");
                    sql.name(column);
                });
                sql.push(" from json_populate_record(null::");
                sql.public(&self.table);
                sql.push(", ");
                sql.value(row.to_string());
                sql.push("::json) as new_row");
                self.write_conditions(&mut sql);
            }
            Action::Delete => {
                sql.push("delete from ");
                sql.public(&self.table);
                self.write_conditions(&mut sql);
            }
        }
        if self.represent && !matches!(self.action, Action::Read) {
            sql.push(" returning ");
            self.write_select(&mut sql);
        }
        if self.has_rows() {
            sql.push(") select coalesce(json_agg(result), '[]')::text from result");
        }
        sql
    }

    fn write_select(&self, sql: &mut Sql) {
        sql.list(&self.select, ", ", |sql, (column, alias)| {
            if column == "*" {
                sql.public(&self.table);
                sql.push(".*");
            } else {
                sql.column(&self.table, column);
            }
            if let Some(alias) = alias {
                sql.push(" as ");
                sql.name(alias);
            }
        });
    }

    fn write_conditions(&self, sql: &mut Sql) {
        if !self.filters.is_empty() {
            sql.push(" where ");
            sql.list(&self.filters, " and ", |sql, filter| {
                filter.write(sql, &self.table);
            });
        }
    }

    fn write_order(&self, sql: &mut Sql) {
        if !self.order.is_empty() {
            sql.push(" order by ");
            sql.list(&self.order, ", ", |sql, order| {
                order.write(sql, &self.table);
            });
        }
        for (word, number) in [("limit", self.limit), ("offset", self.offset)] {
            if let Some(number) = number {
                sql.push(&format!(" {word} {number}"));
            }
        }
    }

    fn write_insert(&self, sql: &mut Sql, rows: String, columns: &[String]) {
        sql.push("insert into ");
        sql.public(&self.table);
        sql.push(" (");
        sql.list(columns, ", ", |sql, column| sql.name(column));
        sql.push(") select ");
        sql.list(columns, ", ", |sql, column| {
            sql.push("new_row.");
            sql.name(column);
        });
        sql.push(" from json_populate_recordset(null::");
        sql.public(&self.table);
        sql.push(", ");
        sql.value(rows);
        sql.push("::json) as new_row");
    }
}

fn write_duplicates(sql: &mut Sql, duplicates: Duplicates, key: &[String], columns: &[String]) {
    if duplicates == Duplicates::Refused || key.is_empty() {
        return;
    }
    sql.push(" on conflict (");
    sql.list(key, ", ", |sql, column| sql.name(column));
    let others = || columns.iter().filter(|column| !key.contains(column));
    if duplicates == Duplicates::Ignored || others().next().is_none() {
        sql.push(") do nothing");
        return;
    }
    sql.push(") do update set ");
    sql.list(others(), ", ", |sql, column| {
        sql.name(column);
        sql.push(" = excluded.");
        sql.name(column);
    });
}
