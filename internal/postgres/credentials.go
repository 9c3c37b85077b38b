package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"golang.org/x/oauth2"

	"salesbook.dev/internal/fault"
	"salesbook.dev/internal/seal"
)

// Credentials are a connection's secrets.
type Credentials struct {
	Secrets map[string]string `json:"secrets,omitempty"` // by the name of the connector's secret field
	Token   *oauth2.Token     `json:"token,omitempty"`   // only OAuth connections
	Scope   string            `json:"scope,omitempty"`   // what the vendor last said that Token is good for; empty: it has not
	Hook    Hook              `json:"hook,omitzero"`
	Version int64             `json:"-"`
}

// Hook is what was agreed with the vendor for deliveries.
type Hook struct {
	Path     string `json:"path"` // the unguessable part of the URL
	User     string `json:"user"`
	Password string `json:"password"`
}

// Vault reads and writes sealed credentials.
type Vault struct{ Keys *seal.Keyring }

func boundTo(workspace, connection int64) string {
	return fmt.Sprintf("connection/%d/%d", workspace, connection)
}

// Load returns the credentials of a connection. Damaged ones are fault.Auth:
// consent must be given again, nothing else is lost. A key file that lacks
// their key, as one of a machine to which a rotated file has not been copied
// yet, is fault.Temporary. The version is returned even then, so that new
// credentials can be saved over, see Unreadable.
func (v Vault) Load(ctx context.Context, tx pgx.Tx, workspace, connection int64) (Credentials, error) {
	var sealed []byte
	var c Credentials
	var version int64
	err := tx.QueryRow(ctx, `SELECT sealed, version FROM credentials WHERE (workspace_id, connection_id) = ($1, $2)`, workspace, connection).Scan(&sealed, &version)
	if errors.Is(err, pgx.ErrNoRows) {
		return Credentials{}, nil
	}
	if err != nil {
		return Credentials{}, err
	}
	plain, err := v.Keys.Unseal(sealed, boundTo(workspace, connection))
	if errors.Is(err, seal.ErrDamaged) {
		return Credentials{Version: version}, fault.New(fault.Auth, "the credentials cannot be opened: %w; connect again to give new ones", err)
	}
	if err != nil {
		return Credentials{Version: version}, fault.New(fault.Temporary,
			"the credentials cannot be opened on this machine: %w. If the key was rotated elsewhere, copy the key file to here; if it is lost, `salesbook key reset` begins with a new one", err)
	}
	if err := json.Unmarshal(plain, &c); err != nil {
		return Credentials{Version: version}, fault.New(fault.Auth, "the credentials are damaged; connect again to give new ones")
	}
	c.Version = version
	return c, nil
}

// Unreadable tells that Load found credentials which nothing here can open.
func Unreadable(err error) bool {
	return fault.KindOf(err) == fault.Auth || errors.Is(err, seal.ErrWrongKey)
}

// Save seals and stores credentials if their version is still the stored one
// (0: none stored). It reports false when somebody else was first.
func (v Vault) Save(ctx context.Context, tx pgx.Tx, workspace, connection int64, c Credentials) (bool, error) {
	plain, err := json.Marshal(c)
	if err != nil {
		return false, err
	}
	sealed, err := v.Keys.Seal(plain, boundTo(workspace, connection))
	if err != nil {
		return false, err
	}
	tag, err := tx.Exec(ctx, `
		INSERT INTO credentials AS c (workspace_id, connection_id, sealed, key_id) VALUES ($1, $2, $3, $4)
		ON CONFLICT (workspace_id, connection_id) DO UPDATE SET sealed = excluded.sealed, key_id = excluded.key_id, version = c.version + 1, updated_at = now()
		WHERE c.version = $5`, workspace, connection, sealed, int64(seal.KeyOf(sealed)), c.Version)
	return tag.RowsAffected() == 1, err
}

// replaceToken stores got in place of old, whatever else of the credentials
// has changed since old was read, and returns it. When the token itself was
// replaced meanwhile (a new consent), the stored one is returned and stays. It
// is fault.Conflict when the connection uses no token any more.
func (v Vault) replaceToken(ctx context.Context, tx pgx.Tx, workspace, connection int64, old, got *oauth2.Token) (*oauth2.Token, error) {
	if _, err := tx.Exec(ctx, `SELECT FROM credentials WHERE (workspace_id, connection_id) = ($1, $2) FOR UPDATE`, workspace, connection); err != nil {
		return nil, err
	}
	c, err := v.Load(ctx, tx, workspace, connection)
	if err != nil {
		return nil, err
	}
	if c.Token == nil {
		return nil, fault.New(fault.Conflict, "the connection was given other credentials while its access token was renewed")
	}
	if c.Token.AccessToken != old.AccessToken || c.Token.RefreshToken != old.RefreshToken {
		return c.Token, nil
	}
	c.Token = got
	if scope, _ := got.Extra("scope").(string); scope != "" { // left out, it is what it was (RFC 6749, 5.1 and 6)
		c.Scope = scope
	}
	_, err = v.Save(ctx, tx, workspace, connection, c) // true: the row is locked
	return got, err
}

// SetHook records the hash of the unguessable part of the delivery URL.
func SetHook(ctx context.Context, tx pgx.Tx, workspace, connection int64, hash []byte) error {
	_, err := tx.Exec(ctx, `UPDATE connections SET hook_hash = $3 WHERE (workspace_id, id) = ($1, $2)`, workspace, connection, hash)
	return err
}

// RouteDelivery finds the connection whose delivery URL has this hash, or
// fault.NotFound.
func (db *DB) RouteDelivery(ctx context.Context, hash []byte) (workspace, connection int64, err error) {
	err = db.pool.QueryRow(ctx, `SELECT workspace_id, connection_id FROM route_delivery($1)`, hash).Scan(&workspace, &connection)
	return workspace, connection, notFound(err, "nobody receives deliveries at this address")
}

// Sealed returns connections of the workspace whose credentials were sealed
// with another key than the given one, for rotation.
func (v Vault) Sealed(ctx context.Context, tx pgx.Tx, workspace int64) ([]int64, error) {
	rows, err := tx.Query(ctx, `SELECT connection_id FROM credentials WHERE workspace_id = $1 AND key_id <> $2 ORDER BY 1`, workspace, int64(v.Keys.Primary()))
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[int64])
}

const canaryText = "salesbook"

// CheckKey makes sure that the key file belongs to this database; the first
// key file that is seen does.
func (v Vault) CheckKey(ctx context.Context, db *DB) error {
	var canary []byte
	if err := db.pool.QueryRow(ctx, `SELECT key_canary()`).Scan(&canary); err != nil {
		return err
	}
	if canary == nil {
		return v.MarkKey(ctx, db, nil)
	}
	if plain, err := v.Keys.Unseal(canary, canaryText); err != nil || string(plain) != canaryText {
		return fault.New(fault.Invalid, "the key file does not belong to this database: stored credentials cannot be opened with it; put the right file in place (SALESBOOK_KEY_FILE), or, if it is lost, run `salesbook key reset` and connect every connection again")
	}
	return nil
}

// MarkKey stores the known text sealed with the present primary key, in place
// of the canary given.
func (v Vault) MarkKey(ctx context.Context, db *DB, old []byte) error {
	sealed, err := v.Keys.Seal([]byte(canaryText), canaryText)
	if err != nil {
		return err
	}
	var done bool
	if err := db.pool.QueryRow(ctx, `SELECT set_key_canary($1, $2)`, old, sealed).Scan(&done); err != nil {
		return err
	}
	if !done {
		return v.CheckKey(ctx, db)
	}
	return nil
}

// Canary returns the stored sealed text.
func (db *DB) Canary(ctx context.Context) ([]byte, error) {
	var canary []byte
	err := db.pool.QueryRow(ctx, `SELECT key_canary()`).Scan(&canary)
	return canary, err
}
