//! Changes without tables of ours: Live itself says which rows changed, by numbers of its own.
//!
//! For SQL Server installations that may not have triggers. Two ways, one reader ([`reader`]):
//!
//! *Change tracking* remembers the key of each changed row with the number of its commit. *Row versions* are a
//! column that the shop's tables may have already; nothing is installed, and a row that is gone says nothing.
//!
//! # One round
//!
//! 1. Take the **version of the round**: everything numbered up to it has been committed (tracking: the current
//!    version; row versions: below the lowest number of an open transaction).
//! 2. Read, table by table, the rows numbered above the table's **mark**, up to that version, as they stand now.
//! 3. Hand them to the ledger; the new marks go into the commit that holds the last of them.
//!
//! # Why nothing is lost, and nothing goes backwards
//!
//! *No loss.* A change has a number. If it is above the version of the round, the mark stays below it, and a later
//! round reads it. If it is not, it was committed before the round began, so the round sees it. Were the version
//! taken after the tables are read, or were it the highest number given, a transaction that commits in between or
//! later would be passed by. A row that changes again while it is read has a new number above the version, and
//! comes again.
//!
//! *After a crash.* Marks are stored with what was read and never before it. What was read and not stored is read
//! again. Rows are read as they stand, so reading them twice says the same or something newer; no order within a
//! round matters.
//!
//! *What is no longer known.* Live forgets: tracking is cleaned up after its retention, a TRUNCATE leaves no keys.
//! A mark below the lowest version that is still whole has the table compared, and only that table.
//!
//! *The version in the ledger* is the count of our batches, as with change tables. What is read later is
//! newer, because rows are read as they stand.
//!
//! *Chunks of a load* come in after a round that began when they had been read: whatever a chunk saw of a key that
//! the stream touched too, the stream tells again.
//!
//! # What row versions cannot do
//!
//! They do not see deletes: everything is compared by schedule. They stand still behind an open transaction anywhere
//! in the database: that is shown as held back. They cannot tell our own writes, which come back as changes
//! and find the ledger up to date.

pub mod capture;
pub mod dialect;
pub mod reader;
