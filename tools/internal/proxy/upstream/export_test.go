package upstream

// Misplace makes c remember a pool for an app client.
func Misplace(c *Client, clientID, poolID string) {
	c.pools.Store(clientID, poolID)
}
