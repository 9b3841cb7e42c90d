package trail

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// hidden stands for what Cognito considers private. A whole object becomes this one text,
// as records of InitiateAuth and SignUp in public repositories show.
const hidden = "HIDDEN_DUE_TO_SECURITY_REASONS"

// clear are the fields of calls about users that a record shows; every other field is
// hidden, so that a new one is hidden too. AWS publishes no list. InitiateAuth, SignUp,
// RespondToAuthChallenge and the calls about groups are known from records in public
// repositories; the others are inferred from these.
var clear = words(`attributeName authFlow availableChallenges challengeName clientId clientName deliveryMedium
	desiredDeliveryMediums domain enabled expiresIn forceAliasCreation groupName identifier limit maxResults messageAction
	permanent preferredMfa providerName status tokenType userConfirmed userCreateDate userLastModifiedDate userPoolId
	userStatus userSub`)

// within are the objects of which a record shows the clear fields.
var within = words(`authenticationResult codeDeliveryDetails codeDeliveryDetailsList emailMfaSettings sMSMfaSettings
	softwareTokenMfaSettings user webAuthnMfaSettings`)

// secret are the fields of calls about a pool that a record hides; it shows every other.
var secret = words(`clientSecret clientSecretValue providerDetails`)

func words(list string) map[string]bool {
	set := map[string]bool{}
	for _, word := range strings.Fields(list) {
		set[word] = true
	}
	return set
}

// aboutPool reports a call that changes a pool and not its users.
func aboutPool(action string) bool {
	return !public(action) && !strings.HasPrefix(action, "Admin") && !reads(action)
}

// requestParameters are those of a call; nil if it cannot be read or has none.
func requestParameters(action string, body []byte) any {
	return shown(object(body), aboutPool(action))
}

// responseElements are those of a successful call. A call that reads has none, and an empty
// answer is null
// (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html).
func responseElements(action string, body []byte) any {
	if reads(action) && action != "GetTokensFromRefreshToken" && action != "GetUserAttributeVerificationCode" {
		return nil
	}
	return shown(object(body), aboutPool(action))
}

// shown is what a record has of an object. The names begin with a small letter.
func shown(from map[string]any, aboutPool bool) any {
	if len(from) == 0 {
		return nil
	}
	out := map[string]any{}
	for name, value := range from {
		name = small(name)
		switch {
		case aboutPool && secret[name], !aboutPool && !clear[name] && !within[name]:
			out[name] = hidden
		case aboutPool || within[name]:
			out[name] = inside(value, aboutPool)
		default:
			out[name] = value
		}
	}
	return out
}

func inside(value any, aboutPool bool) any {
	switch value := value.(type) {
	case map[string]any:
		return shown(value, aboutPool)
	case []any:
		list := make([]any, 0, len(value))
		for _, one := range value {
			list = append(list, inside(one, aboutPool))
		}
		return list
	case string:
		if !aboutPool { // an object that came as a text
			return hidden
		}
	}
	return value
}

func small(name string) string {
	first, size := utf8.DecodeRuneInString(name)
	return string(unicode.ToLower(first)) + name[size:]
}
