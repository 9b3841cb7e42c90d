package e2e

const detaches = "trigger-slow runs it; here the repair comes first"

// playbooks are the pages that TestPlaybooks and TestPlaybooksBesideOthers execute. Dead
// letters of other tests may be in the queues.
func playbooks() map[string]playbook {
	return map[string]playbook{
		"api-failures": {
			alone: true, cause: brokenHandler,
			prints: []string{
				``, `"route":"/guest","status":"502"`, `/guest`, `COMPLETE`, `FunctionVersion: expected \d+, is \d+.*repaired`,
				`\[.*"[a-z0-9]+".*\].*"deploymentId"`, `^200\n[1-9]\d*\n$`,
			},
		},
		"api-refusals": {
			cause:  accessTokenForUser,
			prints: []string{``, `"route":"/user","status":"401"`, `requires an ID token`, `^[1-9]\d*\n[1-9]\d*\n$`},
		},
		"api-slow": {
			alone: true, cause: slowTable,
			prints: []string{``, `"route":"/activity".*"milliseconds":"[3-9]\d{3}"`, `activity`, `^\[\]`, `^[1-9]\d*\n[1-9]\d*\n$`},
		},
		"client-events": {
			cause:  invalidAppEvent,
			prints: []string{``, `unknown_field`, `\\"who\\"`, ``, `client-events-guest-dlq +\d+\n.*client-events-guest-dead-letters`},
		},
		"client-tokens": {
			cause:  tokensOverBudget,
			prints: []string{``, `\[`, `machine`, `^(ALARM|OK)\n$`},
		},
		"consumer-late": {
			alone:  true,
			cause:  byHand(disableMapping, signsIn, map[string]string{"CONSUMER=signin-audit-recorder": "CONSUMER=user-events-metrics"}),
			prints: []string{``, `^\[`, `"Disabled"`, ``, `"ApproximateNumberOfMessages"`, `user-events/MetricsSource`},
		},
		"findings": {
			alone: true, cause: foundAttack,
			prints: []string{
				``, `failures-then-success`, `user.signin.failed.*user.signin.succeeded`, `pool.changed.*trigger PostAuthentication`, `failures-then-success`,
				`rows read`, ``, `trigger PostAuthentication.*repaired`, `0 published, [1-9]\d* known`, `^(ALARM|OK)\n$`,
			},
		},
		"findings-stopped": {
			alone: true, cause: byHand(stopFindings, looksForFindings, nil),
			prints: []string{``, `"DISABLED"`, `^\[`, `.`, `State: expected ENABLED, is DISABLED`, `"published"`, `^(ALARM|OK|INSUFFICIENT_DATA)\n$`},
		},
		"function-errors": {
			alone: true, cause: brokenTrigger,
			without: map[string]string{"gatehouse events announce": "TestOperatorAnnouncesAMissedUser runs it"},
			prints: []string{
				``, `"events"`, `COMPLETE.*\d`, `"events": \[\]`, `"FunctionVersion": "\d+"`, `changed the triggers|the triggers were changed`,
				``, `Environment: TOPIC_ARN is missing.*PreAuthentication.*repaired`, `DEAD-LETTER QUEUE`,
			},
		},
		"function-throttles": {
			alone: true, cause: byHand(stopPreSignUp, signsUp, nil),
			without: map[string]string{"gatehouse detach": detaches},
			prints:  []string{``, `^\[.*"ReservedConcurrentExecutions": 0`, `"Datapoints"`, `"Datapoints"`, `"ReservedConcurrentExecutions": 50`, ``, `.*`},
		},
		"log-groups-unencrypted": {
			alone: true, cause: byHand(takeKey, hasKey, nil),
			prints: []string{``, `"Enabled"`, keylessGroup, `gatehouse-local-log-encryptor-sweep`, `.`, `"StatusCode": 200`},
		},
		"metric-exports": {
			cause:  failedExport,
			prints: []string{``, `counts not exported`, `^\[`, `.*`},
		},
		"notifications-failed": {
			alone: true,
			cause: byHand(clearQueuePolicy, signsIn, map[string]string{
				"<SubscriptionArn>": `"$(aws sns list-subscriptions-by-topic --topic-arn "$TOPIC_ARN" --query 'Subscriptions[0].SubscriptionArn' --output text)"`,
			}),
			prints: []string{
				``, `gatehouse-local-user-events-metrics-dlq`, `deadLetterTargetArn`, `.*`, `policy of gatehouse-local-user-events-metrics: missing: TheTopicSends`,
				`moved \d+ from gatehouse-local-user-events-metrics-dlq`, `notifications-failed`,
			},
		},
		"old-system": {
			cause: oldSystemDown, without: map[string]string{"gatehouse detach": detaches},
			prints: []string{``, `the answer has the status 503`, `MigrationsFailed.*"Sum": [1-9]`, ``, `^(ALARM|OK|INSUFFICIENT_DATA)\s`},
		},
		"outbox-old": {
			alone: true, cause: byHand(deleteRolePolicy, signsIn, nil),
			prints: []string{``, `"Datapoints"`, `waiting`, `"Enabled"`, `policy DrainFunctionRolePolicy0: missing`},
		},
		"records-stopped": {
			alone: true, cause: recordsOff,
			prints: []string{
				``, `"gatehouse-e2e".*false`, `"DISABLED".*signin-records`, `"Datapoints"`, `DEAD-LETTER QUEUE`, ``, `State: expected ENABLED\w*, is DISABLED`,
				`^\[`, `^\d\S+\s+\d`,
			},
		},
		"trigger-slow": {
			alone: true, cause: slowTopic,
			prints: []string{``, `EventsFellBack.*"Sum": [1-9].*EventsLogged`, `REPORT RequestId`, `changed the triggers|the triggers were changed`, `^\d\S+\s+\d`},
		},
		"triggers-not-called": {
			alone: true, cause: byHand(removePermission, signsIn, nil),
			without: map[string]string{"gatehouse detach": detaches, "gatehouse canary": "TestCanarySucceeds runs it"},
			prints: []string{
				``, `PreAuthentication: Cognito may not call gatehouse-local-signin-audit-preauthentication:live`, `signin-audit/PreAuthenticationPermission`,
				`"Datapoints"`, `signin-audit/PreAuthenticationPermission`, ``, ``,
			},
		},
		"unknown-records": {
			cause: unknownAccountRecord,
			prints: []string{
				``, `unknown_operation`, `AdminMergeUsers`, `kept in the dead-letter queue, unknown_operation`, `would move.*moved [1-9]`,
				`account-records-dlq +\d+\n.*account-records-dead-letters`,
			},
		},
		"unknown-signin-records": {
			cause: unknownSigninRecord,
			prints: []string{
				``, `unknown_name`, `AdminMergeUsers`, `AdminMergeUsers`, `failed wrong-password-or-unknown-user`, `would move.*moved [1-9]`, `deleted from`,
				`signin-records-dlq +\d+\n.*signin-records-dead-letters`,
			},
		},
	}
}

// executedElsewhere are the other pages, each with the test that causes its problem.
func executedElsewhere() map[string]string {
	return map[string]string{
		"canary-fails":       "TestCanarySucceeds runs the page, TestCanaryNamesWhatIsBroken causes the problem",
		"dead-letters":       "TestDeadLettersAreKeptAndCanBeReplayed runs its commands on a message that it makes",
		"users-unannounced":  "TestUsersThatNobodyAnnounced makes such a user and runs the reconciler",
		"events-undelivered": "TestUndeliveredEventsAreOpenUntilRecovered runs its commands, which wait for two minutes",
	}
}
