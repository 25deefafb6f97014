//! Pages of several change tables, merged into one order.

use std::collections::VecDeque;

use super::dialect::{ChangeNumber, ChangeRow, PageAsk};

/// Rows of all change tables up to a bound, in the order of their numbers: reference data comes before what
/// needs it, as it was written.
#[derive(Debug)]
pub(super) struct Merge<R> {
    tables: Vec<Table<R>>,
    bound: ChangeNumber,
    page_rows: usize,
}

#[derive(Debug)]
struct Table<R> {
    rows: VecDeque<R>,
    /// The last number that was fetched.
    after: ChangeNumber,
    ended: bool,
}

impl<R: ChangeRow> Merge<R> {
    pub(super) fn new(tables: usize, bound: ChangeNumber, page_rows: usize) -> Self {
        let table = || Table { rows: VecDeque::new(), after: ChangeNumber::MIN, ended: false };
        Self { tables: (0..tables).map(|_| table()).collect(), bound, page_rows }
    }

    /// What must be fetched before the next row is known: a page of every table that may have more and of
    /// which none is at hand.
    pub(super) fn wanted(&self) -> Vec<PageAsk> {
        let empty = self.tables.iter().enumerate().filter(|(_, table)| table.rows.is_empty() && !table.ended);
        empty
            .map(|(index, table)| PageAsk {
                table: index,
                after: table.after,
                bound: self.bound,
                limit: self.page_rows,
            })
            .collect()
    }

    pub(super) fn fill(&mut self, asked: &[PageAsk], pages: Vec<Vec<R>>) {
        for (ask, page) in asked.iter().zip(pages) {
            let Some(table) = self.tables.get_mut(ask.table) else { continue };
            table.ended = page.len() < ask.limit;
            table.after = page.last().map_or(table.after, ChangeRow::number);
            table.rows = page.into();
        }
    }

    /// Whether the next row of a table has this number too, so that one cannot be deleted without the other.
    pub(super) fn has_more_of(&self, table: usize, number: ChangeNumber) -> bool {
        let rows = self.tables.get(table).map(|table| &table.rows);
        rows.and_then(VecDeque::front).is_some_and(|row| row.number() == number)
    }

    /// The next row with its table. Everything [`Merge::wanted`] must have been filled in.
    pub(super) fn pop(&mut self) -> Option<(usize, R)> {
        let first = |table: &Table<R>| table.rows.front().map(ChangeRow::number);
        let (index, table) = self
            .tables
            .iter_mut()
            .enumerate()
            .filter(|(_, table)| !table.rows.is_empty())
            .min_by_key(|(_, table)| first(table))?;
        table.rows.pop_front().map(|row| (index, row))
    }
}

#[cfg(test)]
mod tests {
    use super::super::dialect::{ChangeTable, Op};
    use super::*;
    use crate::core::row::Cell;
    use crate::core::time::Timestamp;

    struct Numbered(ChangeNumber);

    impl ChangeRow for Numbered {
        fn number(&self) -> ChangeNumber {
            self.0
        }
        fn op(&self) -> Op {
            Op::Upsert
        }
        fn captured_at(&self) -> Timestamp {
            Timestamp(0)
        }
        fn cells<'a>(&'a self, _: &ChangeTable, _: &mut Vec<Cell<'a>>) {}
    }

    /// Merges with pages of `page_rows`; the order, and how many pages it took.
    fn merged(
        tables: &[&[ChangeNumber]],
        bound: ChangeNumber,
        page_rows: usize,
    ) -> (Vec<ChangeNumber>, usize) {
        let mut merge = Merge::new(tables.len(), bound, page_rows);
        let (mut order, mut pages) = (Vec::new(), 0);
        loop {
            let asked = merge.wanted();
            pages += asked.len();
            let answers = asked
                .iter()
                .map(|ask| {
                    let rows = tables[ask.table].iter().filter(|n| **n > ask.after && **n <= ask.bound);
                    rows.take(ask.limit).map(|n| Numbered(*n)).collect()
                })
                .collect();
            merge.fill(&asked, answers);
            match merge.pop() {
                Some((_, row)) => order.push(row.0),
                None => return (order, pages),
            }
        }
    }

    #[test]
    fn tables_are_read_in_one_order_and_not_beyond_the_bound() {
        let tables: [&[ChangeNumber]; 3] = [&[1, 4, 5, 9], &[2, 3, 8], &[]];
        for page_rows in 1..6 {
            assert_eq!(merged(&tables, 8, page_rows).0, [1, 2, 3, 4, 5, 8], "pages of {page_rows}");
        }
        assert_eq!(merged(&tables, ChangeNumber::MAX, 100), (vec![1, 2, 3, 4, 5, 8, 9], 3));
    }
}
