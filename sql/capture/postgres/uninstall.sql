-- Removes everything that maré installed in Live (Postgres). Run by `mare uninstall`.
--
-- The slot goes first: from that moment Live keeps no WAL for maré.
-- Locks: none that the shop would notice.

-- 1. The slot.
{slot}

-- 2. The publication.
{publication}

-- 3. The rights and the login.
{grants}
{role}
