-- name: rights.access
-- What somebody's role lets him do of one kind: 0 nothing, 1 everything, 2 look only.
SELECT coalesce(max(r.access), 0)
FROM person p JOIN role_privilege r ON r.role_id = p.role_id
WHERE p.id = $1 AND r.privilege = $2;
