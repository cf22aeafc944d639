CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT UNIQUE, price REAL);
WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 500)
INSERT INTO item SELECT x, 'item ' || x, x * 1.5 FROM n;
CREATE INDEX by_price ON item(price);
SELECT count(*), sum(price), max(name) FROM item;
BEGIN; DELETE FROM item WHERE id > 100; ROLLBACK;
UPDATE item SET name = upper(name) WHERE id % 7 = 0;
DELETE FROM item WHERE id BETWEEN 200 AND 300;
VACUUM;
PRAGMA integrity_check;
SELECT id, name FROM item WHERE name LIKE 'ITEM 1%' AND id % 7 = 0 ORDER BY price DESC LIMIT 3;
INSERT OR IGNORE INTO item VALUES (1, 'duplicate', 0);
SELECT changes();
.output dump
.dump
