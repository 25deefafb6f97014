-- Removes everything that maré installed in Live (Postgres, capture = "triggers"). Run by `mare uninstall`.
--
-- Locks: AccessExclusiveLock on one captured table after the other, for an instant. After 5 seconds without the lock
-- the script stops; running it again continues.
SET lock_timeout = '5s';

-- 1. The triggers.
{triggers}

-- 2. Change tables, functions, the switch.
DROP SCHEMA IF EXISTS mare CASCADE;

-- 3. The rights and the login.
{grants}
{role}
