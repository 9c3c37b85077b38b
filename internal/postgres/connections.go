package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"salesbook.dev/connectors"
	"salesbook.dev/internal/fault"
)

// Connection is one account of one vendor that a workspace reads from.
type Connection struct {
	Workspace       int64 `json:"-"`
	ID              int64
	Name            string
	Vendor          string
	BaseURL         string
	Settings        map[string]string
	Version         int64
	State           string // active, paused, needs consent, removing
	StateWhy        string
	StateAt         time.Time
	VendorAccountID *int64
	AccountName     string
	AccountUser     string
	Zone            string
	RightsMissing   []string
	CheckedAt       *time.Time
	HookURL         string
	CreatedAt       time.Time
	ReadAt          *time.Time // when everything had been read once, but for what the vendor refuses; nil: not yet
	RestUntil       *time.Time // the vendor could not be reached or refused for want of quota: deliveries wait; nil once that is over
}

const connectionColumns = `workspace_id, id, name, vendor, base_url, settings, version, state, state_why, state_at,
	vendor_account_id, account_name, account_user, zone, rights_missing, checked_at, hook_url, created_at, read_at,
	CASE WHEN rest_until > now() THEN rest_until END`

// AddConnection stores a new connection and returns its id. It is paused until
// somebody sets it going. A name that is taken is fault.Conflict.
func AddConnection(ctx context.Context, tx pgx.Tx, workspace int64, c Connection) (int64, error) {
	var id int64
	err := tx.QueryRow(ctx, `
		INSERT INTO connections (workspace_id, name, vendor, base_url, settings, hook_url, state, state_why)
		VALUES ($1, $2, $3, $4, $5, $6, 'paused', 'it has not been checked yet') RETURNING id`,
		workspace, c.Name, c.Vendor, c.BaseURL, c.Settings, c.HookURL).Scan(&id)
	if pe, ok := errors.AsType[*pgconn.PgError](err); ok {
		switch pe.Code {
		case "23505":
			return 0, fault.New(fault.Conflict, "a connection named %q exists already; choose another name, or change it with `salesbook connect %s %s --replace`", c.Name, c.Vendor, c.Name)
		case "23514":
			return 0, fault.New(fault.Invalid, "the name %q does not fit: use small letters, digits, - and _, at most 63", c.Name)
		}
	}
	return id, err
}

// UpdateConnection changes the settings of a connection and raises its version.
func UpdateConnection(ctx context.Context, tx pgx.Tx, c Connection) error {
	_, err := tx.Exec(ctx, `
		UPDATE connections SET base_url = $3, settings = $4, hook_url = $5, version = version + 1
		WHERE (workspace_id, id) = ($1, $2)`, c.Workspace, c.ID, c.BaseURL, c.Settings, c.HookURL)
	return err
}

// SetCardField notes which field of deals shows what is missing, by the vendor's
// code.
func SetCardField(ctx context.Context, tx pgx.Tx, workspace, connection int64, code string) error {
	if err := MarkDirty(ctx, tx, workspace, connection, "connections", []string{fmt.Sprint(connection)}); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `UPDATE connections SET card_field = $3 WHERE (workspace_id, id) = ($1, $2)`, workspace, connection, code)
	return err
}

// CardField is the vendor's code of the field of deals that shows what is missing;
// empty if there is none.
func CardField(ctx context.Context, tx pgx.Tx, workspace, connection int64) (code string, err error) {
	err = tx.QueryRow(ctx, `SELECT COALESCE(card_field, '') FROM connections WHERE (workspace_id, id) = ($1, $2)`, workspace, connection).Scan(&code)
	return code, notFound(err, "the connection %d has been removed", connection)
}

// Connections lists a workspace's connections by name.
func Connections(ctx context.Context, tx pgx.Tx, workspace int64) ([]Connection, error) {
	rows, err := tx.Query(ctx, `SELECT `+connectionColumns+` FROM connections WHERE workspace_id = $1 ORDER BY name`, workspace)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Connection])
}

// ConnectionByName returns the named connection, or fault.NotFound.
func ConnectionByName(ctx context.Context, tx pgx.Tx, workspace int64, name string) (Connection, error) {
	rows, err := tx.Query(ctx, `SELECT `+connectionColumns+` FROM connections WHERE (workspace_id, name) = ($1, $2)`, workspace, name)
	if err != nil {
		return Connection{}, err
	}
	c, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[Connection])
	return c, notFound(err, "there is no connection %q; `salesbook connections list` shows what there is", name)
}

// ConnectionByID returns the connection, or fault.NotFound.
func ConnectionByID(ctx context.Context, tx pgx.Tx, workspace, id int64) (Connection, error) {
	rows, err := tx.Query(ctx, `SELECT `+connectionColumns+` FROM connections WHERE (workspace_id, id) = ($1, $2)`, workspace, id)
	if err != nil {
		return Connection{}, err
	}
	c, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[Connection])
	return c, notFound(err, "the connection %d has been removed", id)
}

// SetState changes what may be done with a connection. It reports whether
// anything changed, so that "needs consent" is announced once. One that a person
// sets going does not rest any longer.
func SetState(ctx context.Context, tx pgx.Tx, workspace, connection int64, state, why string) (bool, error) {
	tag, err := tx.Exec(ctx, `
		UPDATE connections SET state = $3, state_why = $4, state_at = now()
		WHERE (workspace_id, id) = ($1, $2) AND state <> $3 AND state <> 'removing'`, workspace, connection, state, why)
	if err == nil && state == "active" {
		_, err = CloseBreaker(ctx, tx, workspace, connection, true)
	}
	return tag.RowsAffected() == 1, err
}

// Rest makes a connection's deliveries wait for a while.
func Rest(ctx context.Context, tx pgx.Tx, workspace, connection int64, d time.Duration) error {
	_, err := tx.Exec(ctx, `UPDATE connections SET rest_until = now() + $3::interval WHERE (workspace_id, id) = ($1, $2)`, workspace, connection, d)
	return err
}

// SetRights records what a check of the credentials found. Credentials of
// another company than before are fault.Conflict: ids of two companies collide.
func SetRights(ctx context.Context, tx pgx.Tx, c Connection, r connectors.Rights) error {
	tag, err := tx.Exec(ctx, `
		WITH account AS MATERIALIZED (SELECT vendor_quota($3, $4, $5, $6, $7, $8, $13, $14, $15) AS id)
		UPDATE connections SET vendor_account_id = account.id, account_name = $9, account_user = $10,
			zone = COALESCE(NULLIF($11, ''), zone), rights_missing = $12, checked_at = now()
		FROM account
		WHERE (workspace_id, connections.id) = ($1, $2) AND (vendor_account_id IS NULL OR vendor_account_id = account.id OR base_url <> '')`,
		c.Workspace, c.ID, c.Vendor, accountKey(c, r.Account), r.Quota.Burst, r.Quota.BurstWindow, r.Quota.Daily, r.Quota.DailyZone,
		r.Name, r.User, r.Zone, append([]string{}, r.Missing...), r.Quota.Rolling, r.Quota.AtOnce, r.Quota.HeavyAtOnce)
	if err != nil {
		return fmt.Errorf("record the rights of %s: %w", c.Name, err)
	}
	if tag.RowsAffected() == 0 {
		return fault.New(fault.Conflict, "these credentials belong to another company (%s) than %s was connected to; connect it under another name", r.Name, c.Name)
	}
	return nil
}

// accountKey names the owner of a quota. A stand-in for the vendor has its own.
func accountKey(c Connection, account string) string {
	if c.BaseURL == "" {
		return account
	}
	return c.BaseURL + "#" + account
}

// RemoveConnection deletes a connection with everything that was read through
// it. It takes long on a large account.
func RemoveConnection(ctx context.Context, tx pgx.Tx, workspace, connection int64) error {
	for _, table := range ownedTables() {
		if _, err := tx.Exec(ctx, `DELETE FROM `+table+` WHERE (workspace_id, connection_id) = ($1, $2)`, workspace, connection); err != nil {
			return fmt.Errorf("remove from %s: %w", table, err)
		}
	}
	_, err := tx.Exec(ctx, `DELETE FROM connections WHERE (workspace_id, id) = ($1, $2)`, workspace, connection)
	return err
}

// ConnectionNames returns what connections are called, by their numbers.
func ConnectionNames(ctx context.Context, tx pgx.Tx, workspace int64) (map[int64]string, error) {
	list, err := Connections(ctx, tx, workspace)
	names := make(map[int64]string, len(list))
	for _, c := range list {
		names[c.ID] = c.Name
	}
	return names, err
}
