-- What maré installs in Live (Postgres). Shown by `mare install --dry-run`, undone by `mare uninstall`.
--
-- Who runs it: the owner of the tables, with CREATE on the database, who may create roles.
-- Locks: ShareUpdateExclusiveLock on each table for an instant (CREATE PUBLICATION); the shop goes on working.
-- Effect on the shop: none on its statements. From the moment the slot exists Live keeps WAL until maré has
-- read it, so start maré soon, and set max_slot_wal_keep_size (see `mare check`).

-- 1. A login of its own. REPLICATION lets it read the slot; it owns nothing, and changes nothing but what is granted below.
{role}

-- 2. It may read the mapped columns, and no others.
{grants}

-- 3. Only the mapped tables and columns go into the stream.
{publication}

-- 4. The slot last: from here on no change is missed.
{slot}
